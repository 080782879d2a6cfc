import { type InstanceEvent, type Status, STATUSES } from '@convos/pool/contract'
import { z } from 'zod'
import { shortDigest } from '../../ui/format.ts'

const isStatus = (text: string | null): text is Status => STATUSES.some((status) => status === text)

/** The latest first; what happened at the same moment in the order in which it was told. */
export const newestFirst = (events: readonly InstanceEvent[]): InstanceEvent[] =>
  events.toSorted((a, b) => b.at.localeCompare(a.at) || Number(b.id) - Number(a.id))

/** What an event was, by its type; `reason` and whoever did it are told beside it. */
const WORDS: Record<string, string> = {
  created: 'Created',
  ready: 'Became ready',
  creation_failed: 'Did not become ready',
  stuck: 'Got stuck',
  reserved: 'Taken for a claim',
  touched: 'Configured for its claim',
  released: 'Given back to the pool',
  tainted: 'Left by a claim that failed',
  claimed: 'Claimed',
  pending: 'Asked to join a conversation',
  admitted: 'Let into its conversation',
  withdrawn: 'Withdrawn from its conversation',
  crashed: 'Crashed',
  recovered: 'Came back',
  foreign_claim: 'Found bound to a claim that is not known here',
  gone: 'Found to be gone',
  expired: 'Reached its end',
  auto_destroy: 'Given up',
  aged_out: 'Replaced because of its age',
  rolled_out: 'Replaced by a newer image',
  kill: 'Killed',
  drain: 'Drained',
  dismiss: 'Dismissed',
  forgotten: 'Forgotten by hand',
  adopted: 'Taken back',
  restored: 'Has to prove itself again',
  removed: 'Removed',
  protected: 'Protected',
  unprotected: 'No longer protected',
  expires_at_set: 'Given an end',
  expiry_dropped: 'Lost its end',
  redeploy: 'Redeployed',
  operation_item_done: 'An operation is done with it',
  operation_item_failed: 'An operation failed on it',
  claim_queued: 'A claim began to wait',
  claim_failed: 'Its claim failed',
  claim_cancelled: 'Its claim was cancelled',
  claim_ended: 'Its claim ended',
}

export interface Told {
  what: string
  /** Why, as it was given. */
  cause: string | null
  /** Who did it, where that was not the pool by itself. */
  by: string | null
  move: { from: Status | null; to: Status } | null
}

/** One event as a sentence with its cause. */
export function tell(event: InstanceEvent): Told {
  const { type, from, to, reason, actor } = event
  return {
    what: type === 'observed' ? observed(event) : (WORDS[type] ?? plain(type)),
    cause: reason,
    by: actor === 'pool' ? null : actor,
    move: isStatus(to) && from !== to ? { from: isStatus(from) ? from : null, to } : null,
  }
}

/** `key_created` → "Key created": an event of a pool that knows more than this page. */
const plain = (type: string): string => capital(type.replaceAll('_', ' '))

const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

/** What a look at it showed to be different. */
function observed({ detail }: InstanceEvent): string {
  const phase = changeOf(detail?.['phase'])?.to
  const others = changesIn(detail)
  if (phase === undefined) return others.length === 0 ? 'Looked at' : capital(others.join('; '))
  return [`Now ${phase.replaceAll('_', ' ')}`, ...others].join('; ')
}

/** What else than the phase changed: its address, its image, its tools. */
export function changesIn(detail: InstanceEvent['detail']): string[] {
  const url = changeOf(detail?.['url'])
  const image = changeOf(detail?.['image'])?.to
  const tools = toolsIn(detail?.['tools'])
  return [
    ...(url === undefined ? [] : [url.from === undefined ? 'got its address' : 'got another address']),
    ...(image === undefined ? [] : [`on image ${shortDigest(image)}`]),
    ...(tools.length === 0 ? [] : [`tools: ${tools.join(', ')}`]),
  ]
}

const ToolStates = z.object({ to: z.array(z.object({ toolId: z.string(), state: z.string() })) })

const toolsIn = (value: unknown): string[] =>
  (ToolStates.safeParse(value).data?.to ?? []).map(({ toolId, state }) => `${toolId} ${state.replaceAll('_', ' ')}`)

const text = z.string().optional().catch(undefined)
const Change = z.object({ from: text, to: text })

/** `{from, to}` of an observed field. */
export const changeOf = (value: unknown): z.infer<typeof Change> | undefined => Change.safeParse(value).data
