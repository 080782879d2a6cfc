import type { Clock } from '@convos/kit'
import { Claim, InstanceWithEvents } from '../../contract/index.ts'
import { inviteFault } from './invite.ts'
import { claimNext, codeOf, giveUp, type Held, type Reach } from './claims.ts'
import type { Slot } from './slot.ts'

export const PHASES = ['claim', 'invite', 'conversation', 'give_up'] as const
export type Phase = (typeof PHASES)[number]

/** What one run found out. */
export interface Outcome {
  ok: boolean
  slot: string
  startedAt: string
  /** How long each phase took that was begun, ms, in order; and all of it. */
  phases: { phase: Phase; ms: number }[]
  ms: number
  claimId: string | null
  instanceId: string | null
  /** The first thing that went wrong; the agent is given up all the same. */
  failure: { phase: Phase; code: string; detail: string } | null
  /** True: nothing that this run claimed is left. */
  settled: boolean
}

export interface Visit extends Reach {
  clock: Clock
  slot: Slot
  /** Where invites may lead. */
  origins: readonly string[]
  /** Aborted: what was claimed is given up, and nothing more is looked at. */
  stopping: AbortSignal
}

class Wrong extends Error {
  readonly code: string
  constructor(code: string, detail: string) {
    super(detail)
    this.code = code
  }
}

const LOOK_EVERY_MS = 500

/** Claims an agent, looks whether it is there, and gives it up. `held`: what is still to be given up, where that failed. */
export async function visit(v: Visit): Promise<{ outcome: Outcome; held: Held | null }> {
  const began = v.clock.now()
  const phases: Outcome['phases'] = []
  // properties, as the compiler does not see that a callback assigns them
  const seen: { failure: Outcome['failure']; held: Held | null; claim: Claim | null } = { failure: null, held: null, claim: null }

  async function during(phase: Phase, work: () => Promise<void> | void): Promise<void> {
    const since = performance.now()
    try {
      await work()
    } catch (err) {
      const code = err instanceof Wrong ? err.code : codeOf(err)
      seen.failure ??= { phase, code, detail: err instanceof Error ? err.message : String(err) }
    } finally {
      phases.push({ phase, ms: Math.round(performance.now() - since) })
    }
  }
  const goesOn = () => seen.failure === null && !v.stopping.aborted

  await during('claim', async () => {
    seen.claim = await claimNext(v, v.slot, (held) => (seen.held = held))
    seen.claim = await done(v, seen.claim)
  })
  const { claim } = seen
  if (claim && goesOn())
    await during('invite', () => {
      const fault = inviteFault(claim.inviteUrl, v.origins)
      if (fault) throw new Wrong(fault.code, fault.detail)
    })
  if (claim && goesOn()) await during('conversation', () => lives(v, claim))
  const { held } = seen
  if (held)
    await during('give_up', async () => {
      await giveUp(v, held)
      seen.held = null
    })
  const outcome = {
    ok: seen.failure === null && !v.stopping.aborted,
    slot: v.slot.name,
    startedAt: began.toISOString(),
    phases,
    ms: phases.reduce((sum, { ms }) => sum + ms, 0),
    claimId: claim?.claimId ?? null,
    instanceId: claim?.instanceId ?? null,
    failure: seen.failure,
    settled: seen.held === null,
  }
  return { outcome, held: seen.held }
}

/** Looks again and again until it answers something, or for as long as an answer may take. */
async function until<T>(v: Visit, look: () => Promise<T | Wrong>): Promise<T> {
  const endsAt = performance.now() + v.answerMs
  for (;;) {
    const seen = await look()
    if (!(seen instanceof Wrong)) return seen
    if (v.stopping.aborted || performance.now() >= endsAt) throw seen
    await v.clock.sleep(LOOK_EVERY_MS, v.stopping)
  }
}

/** Its claim once it is over, whatever it was answered at its deadline. */
async function done(v: Visit, first: Claim): Promise<Claim> {
  let claim = first
  return until(v, async () => {
    if (claim.status === 'done') return claim
    const wrong = new Wrong(claim.error?.code ?? 'NOT_DONE', `the claim is ${claim.status}`)
    if (claim.status === 'queued' || claim.status === 'running') {
      claim = await v.api.get(`/api/pool/claims/${claim.claimId}`, Claim)
      return claim.status === 'done' ? claim : wrong
    }
    throw wrong
  })
}

/** The agent answers its probes, in the conversation that was promised: its word of after the claim, not of before. */
async function lives(v: Visit, { instanceId, conversationId }: Claim): Promise<void> {
  if (instanceId === null || conversationId === null) throw new Wrong('NO_CONVERSATION', 'the claim names no conversation')
  await until(v, async () => {
    const { status, health, ...instance } = await v.api.get(`/api/pool/instances/${instanceId}`, InstanceWithEvents)
    if (status !== 'claimed') return new Wrong('NOT_CLAIMED', `the instance is ${status}`)
    if (instance.conversationId !== conversationId)
      return new Wrong('OTHER_CONVERSATION', 'the instance is in another conversation')
    if (!health?.ready || health.clean) return new Wrong('NOT_ANSWERING', 'the agent has not answered a probe since the claim')
    return true
  })
}
