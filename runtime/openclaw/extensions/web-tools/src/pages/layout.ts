import { createHash } from 'node:crypto'
import { Html, html } from './html.ts'

const STYLE = `
:root{color-scheme:light dark;--text:#1b1b1f;--soft:#5c5c66;--page:#fff;--line:#8a8a94;--accent:#0b57d0;--on-accent:#fff;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--text:#ececf1;--soft:#b0b0ba;--page:#17171a;--line:#7c7c86;--accent:#a8c7fa;--on-accent:#062e6f;--bad:#f2b8b5}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:38rem;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.125rem;margin-top:2rem}
p.intro{white-space:pre-line}.soft{color:var(--soft)}.bad{color:var(--bad)}
dl{margin:0}dt{font-weight:600;margin-top:1rem}dd{margin:0}
.field{border:0;margin:1.5rem 0 0;padding:0;min-width:0}
.field>label,legend{font-weight:600;display:block;padding:0}
.field label.one{display:block;padding:.5rem 0}
input:not([type=radio]),textarea,select{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:.5rem;padding:.625rem .75rem;margin-top:.25rem}
option{color:var(--text);background:var(--page)}textarea{min-height:8rem}
[aria-invalid=true]{border-color:var(--bad)!important}
button{margin-top:2rem;width:100%;font:inherit;font-weight:600;padding:.75rem;border:0;border-radius:.5rem;background:var(--accent);color:var(--on-accent);cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
`

/** Exactly as hashed: not a space more. */
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`)

/** No script, nothing from elsewhere, in nobody's frame; the style is ours or none. */
const CSP = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Of every page: whoever has its address may open it, so it goes nowhere else. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': CSP,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex, nofollow',
}

export function page(title: string, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`.text
}

/** A page with a sentence or two. */
export const notice = (title: string, text: string): string => page(title, html`<p>${text}</p>`)
