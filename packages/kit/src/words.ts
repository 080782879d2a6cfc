/** An error in one line: its causes behind it, without what a driver adds, and nothing twice. */
export function inWords(err: unknown): string {
  const said: string[] = []
  for (let at: unknown = err; at instanceof Error; at = at.cause) {
    const [line = ''] = (at instanceof AggregateError ? String(at.errors[0]) : at.message).split('\n')
    if (line !== '' && !said.some((before) => before.includes(line))) said.push(line)
  }
  return said.length > 0 ? said.join(': ') : String(err)
}
