/** What every key of ours begins with, and how many parts it has at least: deployment, environment and instance follow. */
const OURS = 'convos'
const PARTS = 4

/** A key of ours for a provider whose fields take no colon. */
export const keyWith = (separator: string, key: string): string => key.replaceAll(':', separator)

/** The key that a provider's text is, as it was given to `create`; null: it is none of ours. */
export function keyIn(text: string | null | undefined, separator = ':'): string | null {
  const parts = text?.split(separator) ?? []
  const ours = parts[0] === OURS && parts.length >= PARTS && parts.every((part) => part !== '')
  return ours ? parts.join(':') : null
}
