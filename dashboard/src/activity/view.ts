import type { InstanceEvent } from '@convos/pool/contract'
import type { LogFilter } from '../api/log.ts'
import type { Search } from '../url.ts'

const HOUR = 3_600_000
export const SPANS = { '1h': HOUR, '24h': 24 * HOUR, '7d': 7 * 24 * HOUR } as const
export type Span = keyof typeof SPANS

/** The page as its address says it; empty: any. */
export interface LogView {
  types: readonly string[]
  actor: string
  instance: string
  claim: string
  request: string
  /** Back from now; without it `from` and `to` hold. */
  span: Span | ''
  /** Moments as the API writes them. */
  from: string
  to: string
}

/** A part that shows it, and changes it. */
export interface ShownView {
  view: LogView
  show: (change: Partial<LogView>) => void
}

/** What the log can be narrowed to by a text. */
export const NARROWED = ['actor', 'instance', 'claim', 'request'] as const
export type Narrowed = (typeof NARROWED)[number]

const TYPES_MOST = 64
const moment = (text: string | undefined): string => {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? '' : new Date(at).toISOString()
}

/** What the address cannot mean is left out. */
export function viewFrom(search: Search): LogView {
  const { actor = '', instance = '', claim = '', request = '' } = search
  const types = (search['type'] ?? '').split(',').filter((type) => /^\w{1,64}$/.test(type))
  const span = (Object.keys(SPANS) as Span[]).find((one) => one === search['span']) ?? ''
  const range = span === '' ? { from: moment(search['from']), to: moment(search['to']) } : { from: '', to: '' }
  return { types: [...new Set(types)].slice(0, TYPES_MOST), actor, instance, claim, request, span, ...range }
}

/** A part of the view as parameters; a span and a range exclude each other. */
export function searchFor({ types, ...change }: Partial<LogView>): Search {
  return {
    ...change,
    ...(types && { type: types.join(',') }),
    ...(change.span !== undefined && { from: '', to: '' }),
    ...((change.from !== undefined || change.to !== undefined) && { span: '' }),
  }
}

export const NO_FILTER: Partial<LogView> = { types: [], actor: '', instance: '', claim: '', request: '', span: '' }

export const isFiltered = ({ types, ...texts }: LogView): boolean =>
  types.length > 0 || Object.values(texts).some((text) => text !== '')

/** An id as it is asked for: what was pasted with it is cut off. */
const id = (text: string, most: number) => text.trim().slice(0, most) || undefined

/** What the API is asked for. */
export const filterOf = (view: LogView, now: number): LogFilter => ({
  type: view.types.length === 0 ? undefined : view.types,
  actor: id(view.actor, 128),
  instanceId: id(view.instance, 64),
  claimId: id(view.claim, 64),
  requestId: id(view.request, 128),
  since: view.span === '' ? view.from || undefined : new Date(now - SPANS[view.span]).toISOString(),
  until: view.to || undefined,
})

/** Whether the API would tell it. */
export const passes =
  ({ type, actor, instanceId, claimId, requestId, since, until }: LogFilter) =>
  (event: InstanceEvent): boolean =>
    (type === undefined || type.includes(event.type)) &&
    (actor === undefined || event.actor === actor) &&
    (instanceId === undefined || event.instanceId === instanceId) &&
    (claimId === undefined || event.claimId === claimId) &&
    (requestId === undefined || event.requestId === requestId) &&
    (since === undefined || Date.parse(event.at) >= Date.parse(since)) &&
    (until === undefined || Date.parse(event.at) < Date.parse(until))
