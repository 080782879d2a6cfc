import { act, render } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { App, createParts } from '../../src/app.tsx'

/** Opens the dashboard at an address, as a browser would. */
export function open(address: string) {
  window.history.replaceState(null, '', address)
  const page = render(<App {...createParts()} />)
  return {
    user: userEvent.setup(),
    /** The page is left and loaded anew: only the browser's storage and address remain. */
    reload: () => {
      act(() => page.unmount())
      return open(window.location.pathname + window.location.search + window.location.hash)
    },
  }
}
