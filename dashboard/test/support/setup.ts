import { cleanup, configure, prettyDOM } from '@testing-library/react'
import { afterEach, beforeEach, vi } from 'vitest'

// pages are loaded when they are gone to, which takes a moment the first time, and seconds on a busy machine
configure({
  asyncUtilTimeout: 10_000,
  reactStrictMode: true,
  // without the page, which whatever waits for something would print at every look; a test that fails shows it once
  getElementError: (message) => Object.assign(new Error(message ?? ''), { name: 'TestingLibraryElementError' }),
})

// jsdom has no layout: everything is as large as a window, which is wide
Object.defineProperty(HTMLElement.prototype, 'clientHeight', { configurable: true, get: () => 720 })
Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => 1280 })
window.matchMedia = (media) => Object.assign(new EventTarget(), { media, matches: false }) as MediaQueryList

// jsdom has no canvas to draw on; the browser tests look at the chart
vi.mock('../../src/pool/chart.ts', () => ({ drawChart: () => ({ update() {}, end() {} }) }))

// jsdom does not scroll, and has no popovers
HTMLElement.prototype.scrollTo = () => {}
window.scrollTo = () => {}
HTMLElement.prototype.hidePopover = () => {}

beforeEach(() => {
  sessionStorage.clear()
  localStorage.clear()
  window.history.replaceState(null, '', '/')
})

afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.log(prettyDOM(document.body))
  cleanup()
  vi.unstubAllGlobals()
})
