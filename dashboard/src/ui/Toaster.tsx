import { Toaster as Sonner } from 'sonner'

/** The styles of sonner are in index.css: those that it would write into the page are not allowed there. */
export const Toaster = () => <Sonner position="bottom-right" theme="system" closeButton containerAriaLabel="Messages" />
