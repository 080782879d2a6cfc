import { lexer, type MarkedToken, type Token } from 'marked'
import { createElement, Fragment, type ReactNode } from 'react'
import { webUrl } from '../ui/format.ts'

/** The page has its own first and second headings. */
const DEEPEST = 6
const FIRST_DEPTH = 2

/** A text in Markdown as elements: its HTML stays text, its links lead to the web or nowhere, and its images are not loaded. */
export const Markdown = ({ text }: { text: string }) => (
  <div className="markdown" dir="auto">
    {drawn(lexer(text))}
  </div>
)

const drawn = (tokens: readonly Token[] | undefined): ReactNode =>
  createElement(Fragment, null, ...(tokens ?? []).map((token) => draw(token as MarkedToken)))

function draw(token: MarkedToken): ReactNode {
  switch (token.type) {
    case 'heading':
      return createElement(`h${Math.min(DEEPEST, token.depth + FIRST_DEPTH)}`, null, drawn(token.tokens))
    case 'paragraph':
      return <p>{drawn(token.tokens)}</p>
    case 'blockquote':
      return <blockquote>{drawn(token.tokens)}</blockquote>
    case 'list':
      return createElement(
        token.ordered ? 'ol' : 'ul',
        token.ordered && token.start !== '' ? { start: token.start } : null,
        ...token.items.map((item) => createElement('li', null, drawn(item.tokens))),
      )
    case 'code':
      return (
        <pre tabIndex={0}>
          <code>{token.text}</code>
        </pre>
      )
    case 'table':
      return (
        <div className="markdown-table">
          <table>
            <thead>{row('th', token.header)}</thead>
            {createElement('tbody', null, ...token.rows.map((cells) => row('td', cells)))}
          </table>
        </div>
      )
    case 'hr':
      return <hr />
    case 'br':
      return <br />
    case 'strong':
      return <strong>{drawn(token.tokens)}</strong>
    case 'em':
      return <em>{drawn(token.tokens)}</em>
    case 'del':
      return <del>{drawn(token.tokens)}</del>
    case 'codespan':
      return <code>{token.text}</code>
    case 'link':
      return link(token.href, drawn(token.tokens))
    case 'image':
      return link(token.href, `[image: ${token.text || token.href}]`)
    case 'checkbox':
      return token.checked ? '☑ ' : '☐ '
    case 'text':
      return token.tokens ? drawn(token.tokens) : token.text
    case 'html':
    case 'escape':
      return token.text
    default:
      return null
  }
}

const row = (cell: 'th' | 'td', cells: readonly { tokens: Token[] }[]): ReactNode =>
  createElement('tr', null, ...cells.map(({ tokens }) => createElement(cell, null, drawn(tokens))))

function link(address: string, text: ReactNode): ReactNode {
  const url = webUrl(address)
  if (!url) return text
  return (
    <a href={url.href} target="_blank" rel="noreferrer">
      {text}
    </a>
  )
}
