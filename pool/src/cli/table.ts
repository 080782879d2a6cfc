/** Rows as columns of equal width; nothing shows as a dash. */
export function table(rows: readonly (readonly (string | null)[])[]): string {
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, n) => Math.max(widest[n] ?? 0, (cell ?? '–').length)), [])
  return rows
    .map((row) =>
      row
        .map((cell, n) => (cell ?? '–').padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
