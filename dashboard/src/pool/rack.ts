import type { Instance, Status } from '@convos/pool/contract'

/** The columns, as an instance lives: on its way, in use, in trouble, on its way out. */
export const COLUMNS = [
  'starting',
  'ready',
  'claiming',
  'pending',
  'claimed',
  'recycling',
  'crashed',
  'stuck',
  'deleting',
] as const satisfies readonly Status[]

/** So many instances are drawn one by one; more of them are a bar. */
export const CELLS_MAX = 5_000
const SMALL_FROM = 1_000

export const SIZES = {
  normal: { cell: 14, pitch: 17 },
  small: { cell: 8, pitch: 10 },
} as const
export type CellSize = keyof typeof SIZES

/** The line below it, and some air. */
const HEAD = 30
const HEAD_WIDTH = 92
/** Where room is short. */
const HEAD_WIDTH_SMALL = 76
const COLUMN_GAP = 14
const SHELF_GAP = 16
/** Heights grow in steps, so that the page does not move with every instance; where shelves stand on each other, in small ones. */
const ROW_STEP = { one: 4, several: 2 }

export interface Cell {
  instance: Instance
  x: number
  y: number
}

interface Column {
  status: Status
  count: number
  x: number
  y: number
  width: number
  /** Its cells stand on this. */
  bottom: number
  /** How many of them stand side by side. */
  across: number
}

export interface RackRoom {
  size: CellSize
  width: number
  height: number
  columns: Column[]
}

export interface RackLayout extends RackRoom {
  /** In the order of their columns, oldest first. */
  cells: Cell[]
}

const inUse: readonly Status[] = ['claiming', 'pending', 'claimed', 'crashed']

/** Since when it stands in its column, as far as its order goes: what is in use stands there since its claim. */
const standsSince = ({ status, createdAt, claimedAt }: Instance): string =>
  (inUse.includes(status) ? claimedAt : null) ?? createdAt

/** Which of two times of the API, or ids, comes first; to compare thousands as words of a language takes a phone a tenth of a second. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The oldest first; of the same age by id, so that no two looks differ. */
export const byAge = (a: Instance, b: Instance): number => byText(standsSince(a), standsSince(b)) || byText(a.id, b.id)

/** The instances of each column, oldest first. */
export function inColumns(instances: readonly Instance[]): Map<Status, Instance[]> {
  const columns = new Map<Status, Instance[]>(COLUMNS.map((status) => [status, []]))
  for (const instance of instances) columns.get(instance.status)?.push(instance)
  for (const [status, column] of columns) columns.set(status, column.toSorted(byAge))
  return columns
}

/** Where every cell stands in a rack of this width. */
export function layOut(instances: readonly Instance[], width: number): RackLayout {
  const sorted = inColumns(instances)
  const room = roomFor(Object.fromEntries([...sorted].map(([status, column]) => [status, column.length])), width)
  const { pitch } = SIZES[room.size]
  const cells = room.columns.flatMap(({ status, x, bottom, across }) =>
    (sorted.get(status) ?? []).map((instance, n) => ({
      instance,
      x: x + (n % across) * pitch,
      y: bottom - (Math.floor(n / across) + 1) * pitch,
    })),
  )
  return { ...room, cells }
}

/** The columns of a rack with so many instances: side by side, on several shelves where they do not fit. */
export function roomFor(counts: Partial<Record<Status, number>>, width: number): RackRoom {
  const total = COLUMNS.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
  const size: CellSize = total >= SMALL_FROM ? 'small' : 'normal'
  const perShelf = Math.max(1, Math.min(COLUMNS.length, Math.floor((width + COLUMN_GAP) / (HEAD_WIDTH + COLUMN_GAP))))
  const shelves = Math.ceil(COLUMNS.length / perShelf)
  const inEach = Math.ceil(COLUMNS.length / shelves)
  const room: RackRoom = { size, width, height: 0, columns: [] }
  for (let shelf = 0; shelf < shelves; shelf++) {
    const statuses = COLUMNS.slice(shelf * inEach, (shelf + 1) * inEach)
    // an incomplete shelf keeps the columns of the others
    addShelf(room, statuses, counts, { inEach, rowStep: shelves === 1 ? ROW_STEP.one : ROW_STEP.several })
  }
  return room
}

interface Shelf {
  /** How many columns a shelf has room for. */
  inEach: number
  rowStep: number
}

function addShelf(
  room: RackRoom,
  statuses: readonly Status[],
  counts: Partial<Record<Status, number>>,
  { inEach, rowStep }: Shelf,
): void {
  const { pitch, cell } = SIZES[room.size]
  const free = room.width - COLUMN_GAP * (inEach - 1)
  const least = Math.min(room.size === 'small' ? HEAD_WIDTH_SMALL : HEAD_WIDTH, Math.floor(free / inEach))
  const widthsAt = (rows: number) => statuses.map((status) => Math.max(least, Math.ceil((counts[status] ?? 0) / rows) * pitch))
  const spareAt = (rows: number) => free - least * (inEach - statuses.length) - widthsAt(rows).reduce((sum, one) => sum + one, 0)
  let rows = rowStep
  while (spareAt(rows) < 0 && rows < CELLS_MAX) rows += rowStep

  const top = room.height === 0 ? 0 : room.height + SHELF_GAP
  const bottom = top + HEAD + rows * pitch
  const extra = Math.floor(Math.max(0, spareAt(rows)) / inEach)
  const widths = widthsAt(rows)
  let x = 0
  for (const [i, status] of statuses.entries()) {
    const width = (widths[i] ?? least) + extra
    const across = Math.max(1, Math.floor((width + pitch - cell) / pitch))
    room.columns.push({ status, count: counts[status] ?? 0, x, y: top, width, bottom, across })
    x += width + COLUMN_GAP
  }
  room.height = bottom
}

/** The cell at a point of the rack; the gap beside a cell is its own. */
export function cellAt({ cells, size }: RackLayout, x: number, y: number): Cell | null {
  const { pitch, cell } = SIZES[size]
  const margin = (pitch - cell) / 2
  const isIn = (at: number, from: number) => at >= from - margin && at < from - margin + pitch
  return cells.find((one) => isIn(x, one.x) && isIn(y, one.y)) ?? null
}

type Direction = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'
const STEPS: Record<Direction, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}
const ASIDE_COSTS = 3

/** The cell that a key leads to from another one; null for keys that lead nowhere. */
export function cellAfter(cells: readonly Cell[], from: string | null, key: string): Cell | null {
  const at = cells.find(({ instance }) => instance.id === from)
  if (key === 'Home' || (!at && key in STEPS)) return cells[0] ?? null
  if (key === 'End') return cells.at(-1) ?? null
  if (!at || !(key in STEPS)) return null
  const [dx, dy] = STEPS[key as Direction]
  let best = at
  let least = Infinity
  for (const cell of cells) {
    const ahead = (cell.x - at.x) * dx + (cell.y - at.y) * dy
    const aside = Math.abs((cell.x - at.x) * dy) + Math.abs((cell.y - at.y) * dx)
    const cost = ahead + aside * ASIDE_COSTS
    if (ahead > 0 && cost < least) [best, least] = [cell, cost]
  }
  return best
}
