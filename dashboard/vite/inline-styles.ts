import type { Plugin } from 'vite'

/**
 * sonner writes its style sheet into the page when it is loaded, which the content security policy forbids; it also brings it as
 * a file, which index.css imports.
 */
export const withoutInlineStyles = (): Plugin => ({
  name: 'without-inline-styles',
  enforce: 'pre',
  transform: {
    filter: { id: /\/sonner\/dist\/index\.mjs/ },
    handler(code) {
      const bare = code.replace(/^__insertCSS\(".*"\);?$/m, '')
      if (bare === code) this.error('sonner does not write its styles as it did: look at how it does now')
      return { code: bare, map: null }
    },
  },
})
