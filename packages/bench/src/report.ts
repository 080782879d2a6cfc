/** One line of the report. */
export interface Row {
  what: string
  measured: string
  /** What is to be reached; null: told for what it explains. */
  target: string | null
  met: boolean | null
}

/** A measurement and its bound. */
export const row = (what: string, measured: string, target?: string, met?: boolean): Row => ({
  what,
  measured,
  target: target ?? null,
  met: met ?? null,
})

export const ms = (value: number): string =>
  value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`

const HEAD = ['what', 'measured', 'target', 'met'] as const
const mark = (met: boolean | null) => (met === null ? '' : met ? 'yes' : 'NO')

/** The report as a Markdown table whose columns line up. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ what, measured, target, met }) => [what, measured, target ?? '', mark(met)])
  const widths = HEAD.map((head, i) => Math.max(...[head, ...cells.map((line) => line[i] ?? '')].map((text) => text.length)))
  const line = (parts: readonly string[]) => `| ${parts.map((part, i) => part.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(HEAD), `|${widths.map((n) => '-'.repeat(n + 2)).join('|')}|`, ...cells.map(line)].join('\n')
}

/** Whether nothing that was measured missed its target. */
export const allMet = (rows: readonly Row[]): boolean => rows.every(({ met }) => met !== false)
