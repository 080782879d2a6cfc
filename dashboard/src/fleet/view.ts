import { INSTANCE_SORTS, type InstanceSort, type Status, STATUSES } from '@convos/pool/contract'
import type { Listing } from '../api/instances.ts'
import type { SortOrder } from '../ui/HeaderCell.tsx'
import type { Search } from '../url.ts'

export const COLUMNS = [
  'status',
  'name',
  'template',
  'owner',
  'image',
  'age',
  'health',
  'event',
  'id',
  'model',
  'activity',
  'expires',
] as const
export type Column = (typeof COLUMNS)[number]

/** Shown unless something else was chosen. */
export const FIRST_COLUMNS: readonly Column[] = ['status', 'name', 'template', 'owner', 'image', 'age', 'health', 'event']

export const TABS = ['timeline', 'creation', 'tools', 'links', 'logs', 'debug'] as const
export type Tab = (typeof TABS)[number]

/** The page as its address says it: which instances, in which order, how shown, and whose panel is open. */
export interface FleetView {
  /** Empty: every status. */
  statuses: readonly Status[]
  text: string
  template: string
  owner: string
  image: string
  sort: InstanceSort
  order: SortOrder
  columns: readonly Column[]
  compact: boolean
  /** Whose panel is open; empty: none. */
  open: string
  tab: Tab
}

const listed = (text: string | undefined) => (text ?? '').split(',')

/** In the order given, each once; without a name no row could be opened. */
function columnsIn(text: string | undefined): readonly Column[] {
  const named = listed(text).flatMap((name) => COLUMNS.find((column) => column === name) ?? [])
  if (named.length === 0) return FIRST_COLUMNS
  return [...new Set(named.includes('name') ? named : (['name', ...named] as const))]
}

/** What the address cannot mean is left out. */
export function viewFrom(search: Search): FleetView {
  const statuses = listed(search['status'])
  const { q: text = '', template = '', owner = '', image = '', open = '' } = search
  return {
    statuses: STATUSES.filter((status) => statuses.includes(status)),
    text,
    template,
    owner,
    image,
    sort: INSTANCE_SORTS.find((sort) => sort === search['sort']) ?? 'createdAt',
    order: search['order'] === 'asc' ? 'asc' : 'desc',
    columns: columnsIn(search['columns']),
    compact: search['rows'] === 'compact',
    open,
    tab: TABS.find((tab) => tab === search['tab']) ?? 'timeline',
  }
}

const isFirst = (columns: readonly Column[]) =>
  columns.length === FIRST_COLUMNS.length && columns.every((column, at) => column === FIRST_COLUMNS[at])

/** A part of the view as parameters; what is as it is without them is empty, and leaves the address. */
export function searchFor(view: Partial<FleetView>): Search {
  const { statuses, text, sort, order, columns, compact, tab, ...same } = view
  return {
    ...same,
    ...(statuses && { status: statuses.join(',') }),
    ...(text !== undefined && { q: text }),
    ...(sort && { sort: sort === 'createdAt' ? '' : sort }),
    ...(order && { order: order === 'desc' ? '' : order }),
    ...(columns && { columns: isFirst(columns) ? '' : columns.join(',') }),
    ...(compact !== undefined && { rows: compact ? 'compact' : '' }),
    ...(tab && { tab: tab === 'timeline' ? '' : tab }),
  }
}

/** What the API is asked for; it takes up to 200 characters of text, and none that are blank. */
export const listingOf = ({ statuses, text, template, owner, image, sort, order }: FleetView): Listing => ({
  status: statuses.length === 0 ? undefined : statuses,
  text: text.trim().slice(0, 200) || undefined,
  template: template || undefined,
  owner: owner || undefined,
  image: image || undefined,
  sort,
  order,
})

/** True when some instances may be left out. */
export const isFiltered = ({ statuses, text, template, owner, image }: FleetView): boolean =>
  statuses.length > 0 || [text.trim(), template, owner, image].some((value) => value !== '')

export const NO_FILTER: Partial<FleetView> = { statuses: [], text: '', template: '', owner: '', image: '' }

export const toggled = <T>(list: readonly T[], one: T): T[] =>
  list.includes(one) ? list.filter((other) => other !== one) : [...list, one]

/** The column one place further; at the end it stays. */
export function moved(columns: readonly Column[], column: Column, by: -1 | 1): Column[] {
  const from = columns.indexOf(column)
  const to = from + by
  if (from < 0 || to < 0 || to >= columns.length) return [...columns]
  return columns.toSpliced(from, 1).toSpliced(to, 0, column)
}
