import { type ConfigureReply, type ConfigureRequest, type StatusDetail } from '@convos/services/contract'
import { ServicesError } from '../../src/services/errors.ts'
import { detailOf, healthOf, imageOf } from '../fake-services.ts'
import type { Time } from './time.ts'

/** A box as it is, whatever anyone believes: what the laws are judged by. */
export interface Box {
  id: string
  image: string
  createdAt: number
  healthyAt: number
  deployFailed: boolean
  /** When it stopped answering; null while it answers. */
  silentSince: number | null
  dirty: boolean
  claimId: string | null
  mode: 'create' | 'join'
  binding: 'none' | 'working' | 'pending' | 'active' | 'refused'
  conversationId: string | null
  /** When it was wished away, and when nothing is left of it. */
  destroyedAt: number | null
  goneAt: number
}

export const gatewayOf = (id: string) => ({ gatewayUrl: `http://${id}.test`, gatewayToken: `gateway-token-of-${id}` })

export type World = ReturnType<typeof createWorld>

/** An answer of services that is none of what was asked for. */
export const refusal = (code: string, status: number | null, fault: ServicesError['fault']) =>
  new ServicesError(code, { fault, code, status, detail: null, errors: [], cause: null })

/** What the tag means when a history begins. */
export const FIRST_IMAGE = imageOf(1)

/** What services holds, and all boxes, in memory: every call here is one effect. */
export function createWorld(time: Time) {
  const boxes = new Map<string, Box>()
  /** Ids that were wished away before they were ever heard of. */
  const tombstones = new Set<string>()
  const news: { at: number; id: string }[] = []
  const listeners = new Set<() => void>()
  /** Which claims' configurations were sent to which box, and which took effect. */
  const sent = new Map<string, Set<string>>()
  const bound = new Map<string, Set<string>>()
  /** The state that /changes spoke of last, per box. */
  const told = new Map<string, string>()
  let cursor = 0
  let warmsUp: 'soon' | 'slow' | 'fails' = 'soon'
  let wanted = FIRST_IMAGE
  let images = 1
  /** Nothing on them ever boots. */
  const bad = new Set<string>()

  const note = (to: typeof sent, id: string, claimId: string) => to.set(id, (to.get(id) ?? new Set()).add(claimId))

  function changed(id: string): void {
    news.push({ at: ++cursor, id })
    for (const listener of listeners) listener()
    listeners.clear()
  }

  const isGone = (box: Box) => box.destroyedAt !== null && time.now() >= box.goneAt
  const answers = (box: Box) =>
    box.destroyedAt === null && box.silentSince === null && !box.deployFailed && time.now() >= box.healthyAt
  const iso = (at: number) => new Date(at).toISOString()

  function detail(id: string): StatusDetail {
    const box = boxes.get(id)
    if (!box) return detailOf(tombstones.has(id) ? 'destroyed' : 'absent')
    const now = time.now()
    const since = { phaseSince: iso(box.createdAt), deploymentStartedAt: iso(box.createdAt), image: box.image }
    if (box.destroyedAt !== null) return detailOf(isGone(box) ? 'destroyed' : 'destroying', { ...since, health: null })
    if (box.deployFailed) return detailOf('deploy_failed', since)
    if (now < box.healthyAt) return detailOf('deploying', since)
    const health = healthOf({
      ready: true,
      clean: !box.dirty && box.claimId === null,
      binding: box.binding,
      claimId: box.claimId,
      conversationId: box.conversationId,
      inviteUrl: box.conversationId && `https://dev.convos.org/v2?i=${box.id}`,
      at: iso(box.silentSince ?? now),
    })
    if (box.silentSince === null) return detailOf('healthy', { ...since, url: `http://${id}.test`, health })
    const failures = 1 + Math.floor((now - box.silentSince) / 5_000)
    return detailOf('unreachable', { ...since, failures, failingSince: iso(box.silentSince), health })
  }

  function create(id: string, image = wanted): { url: string | null } {
    const box = boxes.get(id)
    if (tombstones.has(id) || (box && box.destroyedAt !== null)) throw refusal('DESTROYED', 410, 'instance')
    if (box) return { url: null }
    const now = time.now()
    boxes.set(id, {
      id,
      image,
      createdAt: now,
      healthyAt: now + (warmsUp === 'slow' ? 120_000 : 5_000),
      deployFailed: warmsUp === 'fails' || bad.has(image),
      silentSince: null,
      dirty: false,
      claimId: null,
      mode: 'create',
      binding: 'none',
      conversationId: null,
      destroyedAt: null,
      goneAt: 0,
    })
    warmsUp = 'soon'
    changed(id)
    return { url: null }
  }

  function destroy(id: string): void {
    const box = boxes.get(id)
    if (!box) tombstones.add(id)
    else if (box.destroyedAt === null) {
      box.destroyedAt = time.now()
      box.goneAt = time.now() + 2_000
    }
    changed(id)
  }

  /** The box that can be asked; a box keeps what it was told even where nobody hears of it. */
  function reach(id: string): Box {
    const box = boxes.get(id)
    if (!box || isGone(box)) throw refusal('INSTANCE_UNKNOWN', 404, 'instance')
    if (!answers(box)) throw refusal('INSTANCE_UNREACHABLE', 502, 'instance')
    return box
  }

  function beginConfigure(id: string, { claimId, joinUrl }: ConfigureRequest): Box {
    const box = reach(id)
    if (box.claimId !== null && box.claimId !== claimId) throw refusal('FOREIGN_CLAIM', 409, 'instance')
    if (box.binding === 'refused') throw refusal('CANCELLED', 409, 'instance')
    if (box.claimId === null) {
      note(bound, id, claimId)
      Object.assign(box, { claimId, mode: joinUrl ? 'join' : 'create', binding: 'working' } satisfies Partial<Box>)
      changed(id)
    }
    return box
  }

  function configure(id: string, request: ConfigureRequest): ConfigureReply {
    const box = beginConfigure(id, request)
    if (box.binding === 'working') {
      if (box.mode === 'create') Object.assign(box, { binding: 'active', conversationId: `conversation-of-${id}` })
      else box.binding = 'pending'
      changed(id)
    }
    return {
      ok: true,
      conversationId: box.conversationId,
      inviteUrl: box.conversationId && `https://dev.convos.org/v2?i=${id}`,
      joined: box.mode === 'join' && box.binding === 'active',
      status: box.binding === 'active' ? 'active' : 'pending',
      ...gatewayOf(id),
    }
  }

  function cancel(id: string, claimId: string): { joined: boolean } {
    const box = reach(id)
    if (box.claimId !== null && box.claimId !== claimId) throw refusal('FOREIGN_CLAIM', 409, 'instance')
    if (box.mode === 'join' && box.binding === 'active') return { joined: true }
    // also keeps out a configuration that comes later
    Object.assign(box, { claimId, binding: 'refused', conversationId: null })
    changed(id)
    return { joined: false }
  }

  return {
    boxes,
    sent,
    bound,
    create,
    destroy,
    detail,
    beginConfigure,
    configure,
    cancel,
    noteSent: (id: string, claimId: string) => note(sent, id, claimId),
    /** What `GET /changes` answers now. */
    changesSince: (after: string | null) => ({
      cursor: String(cursor),
      instanceIds: [...new Set(news.filter(({ at }) => at > Number(after ?? cursor)).map(({ id }) => id))],
      reset: false,
    }),
    nextChange: () => new Promise<void>((resolve) => listeners.add(resolve)),
    isGone,
    answers,
    changed,
    wantedImage: () => wanted,
    /** The tag is moved to a new image. */
    push(how: 'good' | 'bad'): void {
      wanted = imageOf(++images)
      if (how === 'bad') bad.add(wanted)
    },
    /** What is wanted boots: where it does not, another one is pushed. */
    repairImage(): void {
      if (bad.has(wanted)) this.push('good')
    },
    /** A box that has been there for a while. */
    seed(id: string): void {
      create(id)
      const box = boxes.get(id)
      if (box) box.healthyAt = box.createdAt
    },
    /** Of the next one that is created. */
    nextWarmsUp: (how: typeof warmsUp) => void (warmsUp = how),
    /** Tells what has changed by time alone. */
    grow() {
      for (const { id } of boxes.values()) {
        const { state } = detail(id)
        if (told.get(id) === state) continue
        told.set(id, state)
        changed(id)
      }
    },
  }
}
