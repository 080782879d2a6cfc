import type { InstanceEvent } from '@convos/pool/contract'

const COLUMNS = ['id', 'at', 'type', 'instanceId', 'claimId', 'from', 'to', 'reason', 'actor', 'requestId', 'detail'] as const

/** What a spreadsheet would take for a formula is made a text: agents and operators write what ends up here. */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/u

/** One cell, quoted; null is empty. */
export function cell(value: string | null): string {
  const text = value ?? ''
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`
}

const row = (cells: readonly (string | null)[]): string => `${cells.map(cell).join(',')}\r\n`

/** The byte order mark tells spreadsheets that it is UTF-8. */
export const csvHead = `\uFEFF${row(COLUMNS)}`

/** Events as rows of comma-separated values (RFC 4180). */
export const csvRows = (events: readonly InstanceEvent[]): string =>
  events
    .map((event) => row(COLUMNS.map((name) => (name === 'detail' ? event.detail && JSON.stringify(event.detail) : event[name]))))
    .join('')

/** Events as lines of JSON, as the API exports them. */
export const jsonLines = (events: readonly InstanceEvent[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('')
