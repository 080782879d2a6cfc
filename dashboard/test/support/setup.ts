import { cleanup, configure } from '@testing-library/react'
import { afterEach, beforeEach, vi } from 'vitest'

// pages are loaded when they are gone to, which takes a moment the first time
configure({ asyncUtilTimeout: 5000, reactStrictMode: true })

// jsdom does not scroll, and has no popovers
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
