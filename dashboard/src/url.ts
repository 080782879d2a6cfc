/** The address as pages know it: every parameter is text. */
export type Search = Record<string, string | undefined>

export const parseSearch = (search: string): Search => Object.fromEntries(new URLSearchParams(search))

/** Parameters without a value leave the address; commas stay readable. */
export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    if (typeof value === 'string' && value !== '') params.set(name, value)
  }
  return params.size === 0 ? '' : `?${params.toString().replaceAll('%2C', ',')}`
}
