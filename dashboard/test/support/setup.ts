import { cleanup, configure } from '@testing-library/react'
import { afterEach, beforeEach, vi } from 'vitest'

// pages are loaded when they are gone to, which takes a moment the first time
configure({ asyncUtilTimeout: 5000, reactStrictMode: true })

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

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})
