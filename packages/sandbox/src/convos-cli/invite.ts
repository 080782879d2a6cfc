import { UsageError } from './options.ts'

/** The slug of an invite, given as a link or by itself. */
export function inviteSlug(invite: string | undefined): string {
  const slug = invite && (URL.canParse(invite) ? new URL(invite).searchParams.get('i') : invite)
  if (!slug || !/^[\w-]+$/.test(slug)) throw new UsageError(`Failed to parse invite: ${invite ?? 'none given'}`)
  return slug
}
