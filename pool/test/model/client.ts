import { LIMITS } from '../../src/limits.ts'
import type { Services } from '../../src/services/client.ts'
import { detailOf } from '../fake-services.ts'
import type { CallName, FaultKind, Faults } from './faults.ts'
import type { Process, Schedule } from './schedule.ts'
import type { Time } from './time.ts'
import { gatewayOf, refusal, type World } from './world.ts'

const NO_ANSWER = () => refusal('NETWORK', null, 'instance')

type Outcome<T> = { value: T } | { err: unknown }
const outcomeOf = <T>(effect: () => T): Outcome<T> => {
  try {
    return { value: effect() }
  } catch (err) {
    return { err }
  }
}
const valueOf = <T>(outcome: Outcome<T>): T => {
  if ('err' in outcome) throw outcome.err
  return outcome.value
}

/** Services as one replica reaches it: the request and its answer are steps, and faults strike in between. */
export function clientOf(p: { process: Process; schedule: Schedule; time: Time; world: World; faults: Faults }): Services {
  const { process, schedule, time, world, faults } = p
  let answeredAt = -Infinity

  async function call<T>(
    name: CallName,
    timeoutMs: number,
    effect: () => T,
    o: { about?: string; halfway?: () => unknown; spoil?: (value: T, kind: FaultKind) => T } = {},
  ): Promise<T> {
    const label = `call ${name}${o.about ? ` ${o.about}` : ''}`
    const request = <R>(run: () => R, what = '') =>
      schedule.pass(process, `${label}${what}`, () => Promise.resolve(outcomeOf(run)))
    const answer = async <R>(outcome: Outcome<R>) => {
      await schedule.pass(process, `answer ${name}`, () => Promise.resolve())
      const value = valueOf(outcome)
      answeredAt = time.now()
      return value
    }
    const kind = faults.next(name)
    if (kind === null) return answer(await request(effect))
    const struck = () => faults.struck(name, kind)

    /** Whoever waits is told that time is up; what hangs has its effect all the same, once it is let go. */
    async function hang(late: () => T): Promise<T> {
      let outcome: Outcome<T> | null = null
      const released = new Promise<void>((resolve) =>
        faults.hangs(() => {
          outcome ??= outcomeOf(late)
          resolve()
        }),
      )
      await Promise.race([released, time.wait(timeoutMs, process)])
      return answer(outcome ?? { err: refusal('TIMEOUT', null, 'instance') })
    }

    switch (kind) {
      case 'refused':
      case 'rejected':
        await request(struck, `: ${kind}`)
        return answer<T>({ err: kind === 'refused' ? refusal('DOWN', 503, 'provider') : refusal('REJECTED', 422, 'claim') })
      case 'lost before':
        await request(struck, `: ${kind}`)
        return answer<T>({ err: NO_ANSWER() })
      case 'lost after':
        await request(() => (struck(), effect()), `: ${kind}`)
        return answer<T>({ err: NO_ANSWER() })
      case 'hangs before':
        await request(struck, `: ${kind}`)
        return hang(effect)
      case 'hangs halfway':
        await request(() => (struck(), o.halfway?.()), `: ${kind}`)
        return hang(effect)
      case 'hangs after': {
        const outcome = await request(() => (struck(), effect()), `: ${kind}`)
        return hang(() => valueOf(outcome))
      }
      case 'kills before':
      case 'kills after':
        await request(() => (struck(), kind === 'kills after' && effect(), void schedule.kill(process)), `: ${kind}`)
        throw new Error('a dead process hears of nothing')
      default: {
        const outcome = await request(() => (struck(), effect()), `: ${kind}`)
        return answer('value' in outcome && o.spoil ? { value: o.spoil(outcome.value, kind) } : outcome)
      }
    }
  }

  const notInTheModel = () => Promise.reject(new Error('this is not in the model'))
  return {
    check: () => call('reachable', LIMITS.reachableCallMs, () => {}),
    reachable: () => call('reachable', LIMITS.reachableCallMs, () => {}),
    get answeredAgoMs() {
      return time.now() - answeredAt
    },
    version: notInTheModel,
    providers: () => Promise.resolve([]),
    tools: () => Promise.resolve([]),
    validate: notInTheModel,
    provision: notInTheModel,
    takeTool: notInTheModel,
    updateTool: notInTheModel,
    tool: notInTheModel,
    everyInstance: notInTheModel,
    instance: notInTheModel,
    redeploy: notInTheModel,
    reconfigure: notInTheModel,
    reconcile: notInTheModel,
    logs: notInTheModel,
    debug: notInTheModel,
    wantedImage: () => call('image', LIMITS.imageCallMs, () => world.wantedImage()),
    create: (id, image) =>
      call('create', LIMITS.createCallMs, () => world.create(id, image ?? world.wantedImage()), { about: id }),
    destroy: (id) => call('destroy', LIMITS.destroyCallMs, () => world.destroy(id), { about: id }),
    statuses: (ids, deadline) =>
      call('statuses', Math.min(LIMITS.statusCallMs, deadline.leftMs), () => new Map(ids.map((id) => [id, world.detail(id)])), {
        spoil: (all, kind) =>
          kind === 'unknown'
            ? new Map(ids.map((id) => [id, detailOf('unknown')]))
            : new Map([...all].filter((_, n) => n % 2 === 1)),
      }),
    async changes(after, waitMs, signal) {
      if (after !== null && world.changesSince(after).instanceIds.length === 0 && !faults.isArmed('changes'))
        await Promise.race([world.nextChange(), time.wait(waitMs, process, signal)])
      if (signal.aborted) throw refusal('ABORTED', null, 'instance')
      return call('changes', waitMs + LIMITS.changesExtraMs, () => world.changesSince(after), {
        spoil: (reply, kind) => (kind === 'reset' ? { ...reply, instanceIds: [], reset: true } : reply),
      })
    },
    configure(id, request, timeoutMs) {
      world.noteSent(id, request.claimId)
      const halfway = () => world.beginConfigure(id, request)
      return call('configure', timeoutMs, () => world.configure(id, request), { about: id, halfway })
    },
    cancel: (id, claimId, timeoutMs) => call('cancel', timeoutMs, () => world.cancel(id, claimId), { about: id }),
    gateway: (id) => Promise.resolve(gatewayOf(id)),
  }
}
