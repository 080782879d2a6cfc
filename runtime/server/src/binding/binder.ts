import { type Clock, type Logger, Problem } from '@convos/kit/server'
import type { ProfileRequest, ProvisionReply, ProvisionRequest } from '../contract.ts'
import type { ConvosCli } from '../convos/cli.ts'
import type { ReadyEvent } from '../convos/events.ts'
import type { Driver } from '../convos/driver.ts'
import type { Limits } from '../limits.ts'
import { readState, removeState, writeState } from '../state/files.ts'
import type { StateFolder } from '../state/folder.ts'
import type { Overlay } from '../state/overlay.ts'
import { Ending } from './ending.ts'
import { admittedTo, joinConversation } from './joining.ts'
import {
  admission,
  advance,
  applyProfile,
  begin,
  BindingRecord,
  cancelledBefore,
  type Happening,
  replyOf,
  reported,
} from './record.ts'

const REFUSALS = {
  FOREIGN_CLAIM: 'this instance serves another claim',
  CANCELLED: 'this claim was cancelled here',
  REFUSED: 'the request to join was refused',
  ENDED: 'the conversation of this claim has ended',
} as const

export interface BinderOptions {
  state: StateFolder
  overlay: Overlay
  cli: ConvosCli
  driver: Driver
  clock: Clock
  log: Logger
  limits: Limits
}

/**
 * The life of the one claim on this box. Its record is on the disk before anything it leads to is begun, and all that happens
 * to it goes through `#happened`, so that memory, disk and whoever waits see the same.
 */
export class Binder {
  readonly #p: BinderOptions
  #record: BindingRecord | null
  /** What carries the claim out: its joining, or the driver's target. Single: nobody starts a second. */
  #joining: { stop: AbortController; done: Promise<void> } | null = null
  #joinDeadline = 0
  #cancelling: Promise<boolean> | null = null
  readonly #ending: Ending
  #resetting: Promise<void> | null = null
  #stopping = false
  /** Aborts at the next change. */
  #change = new AbortController()

  constructor(p: BinderOptions) {
    this.#p = p
    this.#ending = new Ending({ clock: p.clock, due: (at) => this.ends(at) })
    this.#record = readState(p.state.binding, BindingRecord)
  }

  get record(): BindingRecord | null {
    return this.#record
  }

  /** Goes on where the last process stopped. */
  resume(): void {
    const { driver } = this.#p
    const record = this.#record
    if (!record || record.state === 'refused' || record.state === 'cancelled' || record.state === 'ended') return
    if (record.endsAt !== null) this.ends(new Date(record.endsAt))
    if (this.#record?.state === 'ended') return
    if (record.state === 'active' || record.mode === 'create') driver.start(this.#target)
    else this.#startJoining()
  }

  async provision(request: ProvisionRequest): Promise<ProvisionReply> {
    if (this.#resetting) throw new Problem({ status: 503, code: 'RESETTING', headers: { 'Retry-After': '1' } })
    const { claimId, agentName, instructions, model = null, joinUrl = null, env } = request
    const verdict = admission(this.#record, claimId)
    if (verdict === 'new') {
      // the overlay first: a box with an overlay and no claim is not clean, one with a claim and without its variables looks whole
      this.#p.overlay.replace(env ?? {})
      this.#write(begin({ claimId, agentName, instructions, model, joinUrl }))
      this.resume()
    } else if (verdict === 'same') {
      if (env) this.#p.overlay.merge(env)
    } else throw refusal(verdict)
    return await this.#outcome(claimId)
  }

  /** A profile that is not newer than the applied one changes nothing. */
  changeProfile(change: ProfileRequest): void {
    const record = this.#record
    if (!record) throw new Problem({ status: 409, code: 'NOT_BOUND', detail: 'there is no claim whose profile could be changed' })
    const changed = applyProfile(record, change)
    if (!changed) return
    this.#write(changed)
    if (changed.agentName !== record.agentName) this.#p.driver.showName(changed.agentName, record.agentName)
  }

  /** Gives the claim up; whether the instance is in the invited conversation in spite of that. */
  async cancel(claimId: string): Promise<boolean> {
    const record = this.#record
    if (!record) {
      this.#write(cancelledBefore(claimId))
      return false
    }
    if (record.claimId !== claimId) return false
    if (record.mode === 'create') {
      this.#happened({ type: 'cancelled' })
      await this.#p.driver.stop()
      return false
    }
    if (record.state === 'active') return true
    if (record.state === 'cancelled' || record.state === 'refused' || record.state === 'ended') return false
    this.#cancelling ??= this.#withdraw(record).finally(() => (this.#cancelling = null))
    return await this.#cancelling
  }

  /** Back to a box that no claim ever reached. `wipe` removes what belongs to others meanwhile. */
  async reset(wipe: () => Promise<void>): Promise<void> {
    this.#resetting ??= this.#wipe(wipe).finally(() => (this.#resetting = null))
    await this.#resetting
  }

  async #wipe(wipe: () => Promise<void>): Promise<void> {
    // first: were this cut short, the half that is left must not be taken up again
    this.#happened({ type: 'cancelled' })
    await this.#cancelling?.catch(() => {})
    await this.#halt()
    await wipe()
    this.#p.overlay.replace({})
    removeState(this.#p.state.convosHome)
    removeState(this.#p.state.root)
    this.#record = null
    this.#announce()
  }

  /** Lets go of everything; the record says what the next process goes on with. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#announce()
    await this.#halt()
  }

  /** The driver attached. For a conversation that was just created this is its birth. */
  attached({ conversationId, inviteUrl }: ReadyEvent): void {
    this.#happened({ type: 'bound', conversationId, inviteUrl: inviteUrl ?? null })
    // a conversation that was locked has another invite afterwards
    const record = this.#record
    if (record?.state === 'active' && record.mode === 'create' && inviteUrl && inviteUrl !== record.inviteUrl)
      this.#write({ ...record, inviteUrl })
  }

  /** The conversation ends for everybody: at that time, or now. The agent says nothing more, and the claim cannot be taken up again. */
  ends(at: Date | null): void {
    if (at !== null && !this.#ending.expect(at)) {
      if (this.#record?.endsAt !== at.toISOString()) this.#happened({ type: 'ending', at: at.toISOString() })
      return
    }
    this.#ending.cancel()
    this.#happened({ type: 'ended' })
    if (this.#record?.state === 'ended') void this.#p.driver.stop()
  }

  /** The agent took another name in its conversation; a profile from outside may still change it. */
  callItself(agentName: string): void {
    if (this.#record) this.#write({ ...this.#record, agentName })
  }

  readonly #target = {
    conversationId: async (signal: AbortSignal) => {
      const known = this.#record?.conversationId
      if (known) return known
      // an identity without a known conversation: the last process may have died right after creating one
      return this.#p.cli.hasIdentity() ? await this.#p.cli.conversation(signal) : null
    },
    agentName: () => this.#record?.agentName ?? '',
  }

  #startJoining(): void {
    const { cli, clock, log, limits } = this.#p
    const stop = new AbortController()
    this.#joinDeadline = clock.now().getTime() + limits.joinDeadlineMs
    const done = joinConversation({
      cli,
      clock,
      log,
      limits,
      signal: stop.signal,
      record: () => this.#record,
      happened: (happening) => {
        if (!stop.signal.aborted) this.#happened(happening)
      },
    })
    this.#joining = { stop, done }
  }

  /** Stops asking, makes sure how it stands, and takes back the identity that asked: what has no key cannot be let in any more. */
  async #withdraw(record: BindingRecord): Promise<boolean> {
    const { cli, limits, state, log } = this.#p
    await this.#haltJoining()
    let conversationId: string | null
    try {
      conversationId = await admittedTo(cli, record, AbortSignal.timeout(limits.cancelLookMs))
    } catch (cause) {
      log.warn({ err: cause }, 'whether the conversation let us in cannot be told now')
      if (!this.#stopping) this.#startJoining()
      throw new Problem({
        status: 503,
        code: 'WITHDRAWAL_UNCONFIRMED',
        detail: 'the network does not say whether the request was granted; ask again',
        headers: { 'Retry-After': '2' },
        cause,
      })
    }
    if (conversationId) {
      this.#happened({ type: 'bound', conversationId, inviteUrl: null })
      return true
    }
    this.#happened({ type: 'cancelled' })
    removeState(state.convosHome)
    return false
  }

  async #halt(): Promise<void> {
    this.#ending.cancel()
    await Promise.all([this.#haltJoining(), this.#p.driver.stop()])
  }

  async #haltJoining(): Promise<void> {
    this.#joining?.stop.abort()
    await this.#joining?.done
    this.#joining = null
  }

  /** What the claim has come to, at the latest when its deadline passes. The work goes on after that. */
  async #outcome(claimId: string): Promise<ProvisionReply> {
    const { clock, limits } = this.#p
    const endsAt = clock.now().getTime() + (this.#record?.mode === 'join' ? limits.joinDeadlineMs : limits.createDeadlineMs)
    for (;;) {
      if (this.#stopping) throw new Problem({ status: 503, code: 'STOPPING', headers: { 'Retry-After': '5' } })
      const verdict = admission(this.#record, claimId)
      if (!this.#record || verdict === 'new') throw refusal('CANCELLED')
      if (verdict !== 'same') throw refusal(verdict)
      const reply = replyOf(this.#record)
      const until = reply?.status === 'pending' ? Math.min(endsAt, this.#joinDeadline) : endsAt
      const leftMs = until - clock.now().getTime()
      if (reply && (reply.status === 'active' || leftMs <= 0)) return reply
      if (leftMs <= 0) {
        throw new Problem({ status: 504, code: 'PROVISION_TIMEOUT', detail: 'the work goes on; ask again with the same claimId' })
      }
      await clock.sleep(leftMs, this.#change.signal)
    }
  }

  #happened(happening: Happening): void {
    const next = this.#record && advance(this.#record, happening)
    if (!next) return
    this.#write(next)
    if (next.state === 'active') this.#p.driver.start(this.#target)
    this.#p.log.info({ claimId: next.claimId, state: next.state, binding: reported(next) }, 'binding changed')
  }

  #write(record: BindingRecord): void {
    writeState(this.#p.state.binding, record)
    this.#record = record
    this.#announce()
  }

  #announce(): void {
    const change = this.#change
    this.#change = new AbortController()
    change.abort()
  }
}

const refusal = (code: keyof typeof REFUSALS) => new Problem({ status: 409, code, detail: REFUSALS[code] })
