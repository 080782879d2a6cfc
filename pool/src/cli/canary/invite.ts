/** What is wrong with an invite: an allowed origin, a path that ends in `/v2`, and a non-empty `i`; null: nothing. */
export function inviteFault(inviteUrl: string | null, origins: readonly string[]): { code: string; detail: string } | null {
  const url = inviteUrl === null ? null : URL.parse(inviteUrl)
  if (!url) return { code: 'NO_INVITE', detail: inviteUrl === null ? 'there is no invite' : 'the invite is no link' }
  // an invite lets whoever has it in: of a wrong one only the origin is told
  if (!origins.includes(url.origin))
    return { code: 'WRONG_NETWORK', detail: `the invite leads to ${url.origin} instead of ${origins.join(' or ')}` }
  if (!url.pathname.endsWith('/v2') || !url.searchParams.get('i') || url.username !== '')
    return { code: 'NO_INVITE', detail: `the link to ${url.origin} is no invite` }
  return null
}
