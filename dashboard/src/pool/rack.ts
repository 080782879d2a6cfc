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
}

export interface RackLayout {
  size: CellSize
  width: number
  height: number
  columns: Column[]
  /** In the order of their columns, oldest first. */
  cells: Cell[]
}

const inUse: readonly Status[] = ['claiming', 'pending', 'claimed', 'crashed']

/** Since when it stands in its column, as far as its order goes: what is in use stands there since its claim. */
const standsSince = ({ status, createdAt, claimedAt }: Instance): string =>
  (inUse.includes(status) ? claimedAt : null) ?? createdAt

/** The oldest first; of the same age by id, so that no two looks differ. */
export const byAge = (a: Instance, b: Instance): number =>
  standsSince(a).localeCompare(standsSince(b)) || a.id.localeCompare(b.id)

/** The instances of each column, oldest first. */
export function inColumns(instances: readonly Instance[]): Map<Status, Instance[]> {
  const columns = new Map<Status, Instance[]>(COLUMNS.map((status) => [status, []]))
  for (const instance of instances) columns.get(instance.status)?.push(instance)
  for (const [status, column] of columns) columns.set(status, column.toSorted(byAge))
  return columns
}

/** Where every cell stands in a rack of this width: columns side by side, on several shelves where they do not fit. */
export function layOut(instances: readonly Instance[], width: number): RackLayout {
  const size: CellSize = instances.length >= SMALL_FROM ? 'small' : 'normal'
  const sorted = inColumns(instances)
  const perShelf = Math.max(1, Math.min(COLUMNS.length, Math.floor((width + COLUMN_GAP) / (HEAD_WIDTH + COLUMN_GAP))))
  const shelves = Math.ceil(COLUMNS.length / perShelf)
  const inEach = Math.ceil(COLUMNS.length / shelves)
  const layout: RackLayout = { size, width, height: 0, columns: [], cells: [] }
  for (let shelf = 0; shelf < shelves; shelf++) {
    const statuses = COLUMNS.slice(shelf * inEach, (shelf + 1) * inEach)
    // an incomplete shelf keeps the columns of the others
    placeShelf(layout, statuses, sorted, { inEach, rowStep: shelves === 1 ? ROW_STEP.one : ROW_STEP.several })
  }
  return layout
}

interface ShelfRoom {
  /** How many columns a shelf has room for. */
  inEach: number
  rowStep: number
}

function placeShelf(
  layout: RackLayout,
  statuses: readonly Status[],
  sorted: ReadonlyMap<Status, Instance[]>,
  { inEach, rowStep }: ShelfRoom,
): void {
  const { pitch, cell } = SIZES[layout.size]
  const room = layout.width - COLUMN_GAP * (inEach - 1)
  const columns = statuses.map((status) => ({ status, instances: sorted.get(status) ?? [] }))
  const least = Math.min(layout.size === 'small' ? HEAD_WIDTH_SMALL : HEAD_WIDTH, Math.floor(room / inEach))
  const widthsAt = (rows: number) => columns.map(({ instances }) => Math.max(least, Math.ceil(instances.length / rows) * pitch))
  const spareAt = (rows: number) => room - least * (inEach - columns.length) - widthsAt(rows).reduce((sum, one) => sum + one, 0)
  let rows = rowStep
  while (spareAt(rows) < 0 && rows < CELLS_MAX) rows += rowStep

  const top = layout.height === 0 ? 0 : layout.height + SHELF_GAP
  const bottom = top + HEAD + rows * pitch
  const extra = Math.floor(Math.max(0, spareAt(rows)) / inEach)
  let x = 0
  for (const [i, narrow] of widthsAt(rows).entries()) {
    const { status, instances } = columns[i] ?? { status: 'ready', instances: [] }
    const width = narrow + extra
    const across = Math.max(1, Math.floor((width + pitch - cell) / pitch))
    layout.columns.push({ status, count: instances.length, x, y: top, width })
    for (const [n, instance] of instances.entries())
      layout.cells.push({ instance, x: x + (n % across) * pitch, y: bottom - (Math.floor(n / across) + 1) * pitch })
    x += width + COLUMN_GAP
  }
  layout.height = bottom
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
