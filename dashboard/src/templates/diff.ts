/** A line of a text that was changed. */
export interface Line {
  kind: 'same' | 'added' | 'removed'
  text: string
}

/** Texts that differ in more lines than this are shown as one replaced by the other: finding the least change takes its square. */
const MOST_CHANGES = 1_000

const linesOf = (text: string): string[] => (text === '' ? [] : text.split('\n'))
const as = (kind: Line['kind'], lines: readonly string[]): Line[] => lines.map((text) => ({ kind, text }))

/** The least change that makes one text of the other, line by line. */
export function diffLines(before: string, after: string): Line[] {
  const [a, b] = [linesOf(before), linesOf(after)]
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  return [
    ...as('same', a.slice(0, head)),
    ...changes(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...as('same', a.slice(a.length - tail)),
  ]
}

/** Myers' greedy search: how far down each diagonal so many changes lead. */
function changes(a: readonly string[], b: readonly string[]): Line[] {
  const reached: Map<number, number>[] = []
  let furthest = new Map([[1, 0]])
  for (let d = 0; d <= Math.min(a.length + b.length, MOST_CHANGES); d++) {
    const next = new Map<number, number>()
    for (let k = -d; k <= d; k += 2) {
      let x = stepsDown(furthest, k, d) ? (furthest.get(k + 1) ?? 0) : (furthest.get(k - 1) ?? 0) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      next.set(k, x)
      if (x >= a.length && x - k >= b.length) return wayBack(a, b, [...reached, furthest])
    }
    reached.push(furthest)
    furthest = next
  }
  return [...as('removed', a), ...as('added', b)]
}

const stepsDown = (furthest: ReadonlyMap<number, number>, k: number, d: number): boolean =>
  k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1))

function wayBack(a: readonly string[], b: readonly string[], reached: readonly ReadonlyMap<number, number>[]): Line[] {
  const lines: Line[] = []
  let [x, y] = [a.length, b.length]
  for (let d = reached.length - 1; d >= 0; d--) {
    const furthest = reached[d] ?? new Map<number, number>()
    const k = x - y
    const fromK = stepsDown(furthest, k, d) ? k + 1 : k - 1
    const fromX = d === 0 ? 0 : (furthest.get(fromK) ?? 0)
    const fromY = d === 0 ? 0 : fromX - fromK
    while (x > fromX && y > fromY) {
      lines.push({ kind: 'same', text: a[x - 1] ?? '' })
      x--
      y--
    }
    if (d === 0) break
    if (x === fromX) lines.push({ kind: 'added', text: b[y - 1] ?? '' })
    else lines.push({ kind: 'removed', text: a[x - 1] ?? '' })
    x = fromX
    y = fromY
  }
  return lines.toReversed()
}

/** Lines that are shown, or so many that are left out for being the same; `at`: where among all lines it begins. */
export type Hunk = { at: number } & ({ lines: Line[] } | { left: number })

const CONTEXT = 3

/** What was changed, with a few lines around. */
export function hunksOf(lines: readonly Line[]): Hunk[] {
  const near = new Set<number>()
  for (const [at, { kind }] of lines.entries()) {
    if (kind === 'same') continue
    for (let n = at - CONTEXT; n <= at + CONTEXT; n++) near.add(n)
  }
  const hunks: Hunk[] = []
  for (const [at, line] of lines.entries()) {
    const last = hunks.at(-1)
    if (near.has(at)) {
      if (last && 'lines' in last) last.lines.push(line)
      else hunks.push({ at, lines: [line] })
    } else if (last && 'left' in last) last.left++
    else hunks.push({ at, left: 1 })
  }
  return hunks
}

/** How many lines came and went. */
export const countsOf = (lines: readonly Line[]): { added: number; removed: number } => ({
  added: lines.filter(({ kind }) => kind === 'added').length,
  removed: lines.filter(({ kind }) => kind === 'removed').length,
})
