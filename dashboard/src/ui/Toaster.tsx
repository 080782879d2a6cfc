import { Toaster as Sonner } from 'sonner'

/** The styles of sonner are in index.css: those that it would write into the page are not allowed there. Its colours are ours. */
export const Toaster = () => (
  <Sonner
    position="bottom-right"
    mobileOffset={{ bottom: 'calc(var(--bottom-bar) + 1rem)' }}
    closeButton
    containerAriaLabel="Messages"
  />
)
