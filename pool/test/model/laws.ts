import type { World } from './world.ts'

/** How many the pool of a model keeps ready, until that is changed. */
export const TARGET = 2

/** What claimers asked and were told, whatever the database says of it. */
export interface Ledger {
  /** Claims as they were taken in, or found again. */
  entered: { claimId: string; principal: string; key: string | null; invite: string | null; body: string; repeat: boolean }[]
  told: { claimId: string; principal: string; state: string; instanceId: string | null }[]
  /** Those that wait for an answer. */
  unanswered: Set<Waiting>
  /** Claims that a person ended, or wished to. */
  endedByHand: Set<string>
  /** What was found broken between two commands. */
  broken: string[]
  /** The largest target so far: what was made for it stays. */
  maxTarget: number
  /** How often a roll-out was asked for: each may have one more than the target. */
  rollouts: number
}

export interface Waiting {
  process: { state: string }
}

export interface Truth {
  /** Services and the boxes as they are. */
  world: Pick<World, 'boxes' | 'sent' | 'bound' | 'isGone' | 'answers'>
  ledger: Ledger
  query<R extends object>(text: string, values?: unknown[]): Promise<R[]>
}

function must(law: string, broken: readonly unknown[]): void {
  if (broken.length > 0) throw new Error(`${law}: ${JSON.stringify(broken)}`)
}

const BY_OPERATOR = 'asked for by an operator'

/** When a transaction began to count, and how many it may fill up to: it holds the settings until it ends. */
const counted = new WeakMap<readonly string[], { at: number; most: number }>()

interface StockFacts {
  stock: number
  /** What the settings say now. */
  target: number
  /** How many came without the refill since then: given back, come back, asked for by an operator. */
  inflow: number
  /** Roll-outs that still have something to replace, for which one more is made first. */
  rolling: boolean
  /** Why the latest one was created. */
  latest: string | null
}

async function readStock({ query }: Truth, since: number): Promise<StockFacts> {
  const text = `
    select (select reason from instance_events where type = 'created' order by id desc limit 1) as latest,
      (select min_idle from settings) as target,
      (select count(*)::int from instances where status in ('ready', 'starting')) as stock,
      exists (select 1 from operation_items t join operations o on o.id = t.operation_id
        where o.kind = 'rollout' and t.begun_at is null and t.error is null) as rolling,
      (select count(*)::int from instance_events where at >= $1
        and ((to_status = 'ready' and from_status in ('claiming', 'stuck'))
          or (type = 'created' and reason = '${BY_OPERATOR}'))) as inflow`
  const [row] = await query<StockFacts>(text, [new Date(since).toISOString()])
  if (!row) throw new Error('the settings row is missing')
  return row
}

/** Whoever fills up to the target does not go beyond it, whoever else fills up, or sets another target, at the same time. */
export async function watchStock(truth: Truth, names: readonly string[], now: number): Promise<void> {
  const last = names.at(-1)
  if (last === 'hold_settings') {
    const { stock, target, rolling } = await readStock(truth, now)
    counted.set(names, { at: now, most: rolling ? Math.max(target, stock) + 1 : target })
  }
  if (last !== 'commit' || !names.includes('insert_starting')) return
  const { at, most } = counted.get(names) ?? { at: now, most: 0 }
  // what came by itself while it was counted is nobody's creation
  const { stock, inflow, latest } = await readStock(truth, at)
  if (latest !== BY_OPERATOR && stock > most + inflow)
    truth.ledger.broken.push(`the target is overshot: ${stock} ready or starting of ${most}, ${inflow} came meanwhile`)
  const { instances, proven } = await readRows(truth)
  truth.ledger.broken.push(
    ...triedTwice(truth, instances, proven).map((tried) => `two creations on a new image: ${tried.join(' ')}`),
  )
}

/** Images that no box has become ready on, with the creations on them where there is more than one. */
function triedTwice({ world }: Truth, instances: readonly Instance[], proven: readonly string[]): string[][] {
  const trusted = new Set(proven.map((id) => world.boxes.get(id)?.image))
  const starting = Map.groupBy(
    instances.filter((i) => i.status === 'starting' && !trusted.has(i.image ?? undefined)),
    (i) => String(i.image),
  )
  return [...starting].filter(([, rows]) => rows.length > 1).map(([image, rows]) => [image, ...rows.map(({ id }) => id)])
}

interface Claim {
  id: string
  state: string
  principal: string
  instance_id: string | null
}
interface Instance {
  id: string
  status: string
  claim_id: string | null
  conversation_id: string | null
  image: string | null
}

interface Rows {
  claims: Claim[]
  instances: Instance[]
  /** Instances that ever became ready. */
  proven: string[]
}

async function readRows({ query }: Truth): Promise<Rows> {
  const [row] = await query<{ [part in keyof Rows]: Rows[part] | null }>(`
    select (select json_agg(json_build_object('id', id, 'state', state, 'principal', principal, 'instance_id', instance_id))
        from claims) as claims,
      (select json_agg(json_build_object('id', id, 'status', status, 'claim_id', claim_id, 'conversation_id', conversation_id,
        'image', image)) from instances) as instances,
      (select json_agg(instance_id) from instance_events where to_status = 'ready') as proven`)
  return { claims: row?.claims ?? [], instances: row?.instances ?? [], proven: row?.proven ?? [] }
}

/** What the claim of an instance in this status must be, and the other way round. */
const OWNED: Readonly<Record<string, string>> = { claiming: 'running', pending: 'pending', claimed: 'done' }

/** What holds after every command, and between any two statements. */
export async function assertAlways(truth: Truth): Promise<void> {
  const { world, ledger } = truth
  must('a manager broke a law', ledger.broken)
  const { claims, instances, proven } = await readRows(truth)
  must('an image that nothing became ready on has one creation under way', triedTwice(truth, instances, proven))
  const claimOf = new Map(claims.map((claim) => [claim.id, claim]))

  must(
    'a box is configured for at most one claim in its life',
    [...world.sent].filter(([, byClaims]) => byClaims.size > 1).map(([id, byClaims]) => [id, ...byClaims]),
  )
  const done = ledger.told.filter((one) => one.state === 'done')
  must(
    'two claimers were told that a box is theirs',
    done.filter((one) => done.some((other) => other.instanceId === one.instanceId && other.claimId !== one.claimId)),
  )
  must(
    'a claimer was told of two boxes',
    done.filter((one) => done.some((other) => other.claimId === one.claimId && other.instanceId !== one.instanceId)),
  )
  must(
    'an instance and its claim say the same',
    instances.filter((i) => {
      const claim = claimOf.get(i.claim_id ?? '')
      return OWNED[i.status] !== undefined && (claim?.state !== OWNED[i.status] || claim?.instance_id !== i.id)
    }),
  )
  must(
    'a claim at work has its instance',
    claims.filter(
      (claim) =>
        (claim.state === 'running' || claim.state === 'pending') &&
        !instances.some((i) => i.claim_id === claim.id && OWNED[i.status] === claim.state),
    ),
  )
  const keeps = (i: Instance, claim: Claim) =>
    i.id === claim.instance_id && i.claim_id === claim.id && (i.status === 'claimed' || i.status === 'crashed')
  must(
    'no claimed agent is lost',
    claims.filter((claim) => claim.state === 'done' && !instances.some((i) => keeps(i, claim))),
  )
  must(
    'what a claimer was told stays true until someone ends it',
    done.filter(({ claimId, instanceId }) => {
      const claim = claimOf.get(claimId)
      const stays = claim?.state === 'done' && claim.instance_id === instanceId
      return !stays && !(claim?.state === 'ended' && ledger.endedByHand.has(claimId))
    }),
  )
  must(
    'automation destroys no agent in use',
    claims.filter((claim) => claim.state === 'done' && (world.boxes.get(claim.instance_id ?? '')?.destroyedAt ?? null) !== null),
  )
  must(
    'a claim is shown to nobody else',
    [...ledger.told, ...ledger.entered].filter(
      ({ principal, claimId }) => (claimOf.get(claimId)?.principal ?? principal) !== principal,
    ),
  )
  assertRepeats(ledger, claimOf)
}

/** The same key, or the same invite and body, is the same claim, until that came to nothing. */
function assertRepeats(ledger: Ledger, claimOf: ReadonlyMap<string, Claim>): void {
  const lives = (id: string) => !['failed', 'cancelled', undefined].includes(claimOf.get(id)?.state)
  const groups = new Map<string, Set<string>>()
  const add = (group: string, id: string) => groups.set(group, (groups.get(group) ?? new Set()).add(id))
  for (const { claimId, principal, key, invite, body } of ledger.entered) {
    if (!lives(claimId)) continue
    // a repeat by invite belongs to the claim it repeats, whatever its key
    if (key !== null && ledger.entered.some((one) => one.claimId === claimId && !one.repeat && one.key === key))
      add(`${principal} ${key}`, claimId)
    if (invite !== null && claimOf.get(claimId)?.state !== 'ended') add(`${principal} ${body}`, claimId)
  }
  must(
    'a repeated claim is the same claim',
    [...groups].filter(([, ids]) => ids.size > 1).map(([group, ids]) => [group, ...ids]),
  )
}

/** Whoever asked a replica that still lives was answered. */
export function assertAnswered({ unanswered }: Ledger): void {
  must(
    'everyone was answered',
    [...unanswered].filter(({ process }) => process.state !== 'dead'),
  )
}

/** Whether nothing is under way any more. */
export async function isQuiet(truth: Truth): Promise<boolean> {
  const { claims, instances } = await readRows(truth)
  const ready = instances.filter((i) => i.status === 'ready').length
  const { target } = await readStock(truth, 0)
  return (
    ready >= target &&
    [...truth.ledger.unanswered].every(({ process }) => process.state === 'dead') &&
    instances.every((i) => ['ready', 'pending', 'claimed', 'crashed'].includes(i.status)) &&
    claims.every((claim) => claim.state !== 'queued' && claim.state !== 'running')
  )
}

/** What holds once everything has come to rest. */
export async function assertConverged(truth: Truth): Promise<void> {
  const { world, ledger } = truth
  const { claims, instances } = await readRows(truth)
  const is =
    (...statuses: string[]) =>
    (i: Instance) =>
      statuses.includes(i.status)
  must(
    'every claim is over, or waits to be let in',
    claims.filter((claim) => claim.state === 'queued' || claim.state === 'running'),
  )
  assertAnswered(ledger)
  must(
    'nothing is half-way',
    instances.filter((i) => !is('ready', 'pending', 'claimed', 'crashed')(i)),
  )
  const { stock, target, inflow } = await readStock(truth, 0)
  must('the target is met', stock < target ? [stock, target] : [])
  const { maxTarget, rollouts } = ledger
  must('the target is not overshot', stock > maxTarget + rollouts + inflow ? [stock, maxTarget, rollouts, inflow] : [])

  const live = [...world.boxes.values()].filter((box) => !world.isGone(box))
  const ids = new Set(instances.map((i) => i.id))
  must(
    'nothing leaks',
    live.filter((box) => !ids.has(box.id)),
  )
  must(
    'every row has its box',
    [...ids].filter((id) => !live.some((box) => box.id === id)),
  )
  const boxOf = (i: Instance) => world.boxes.get(i.id)
  must(
    'what is ready is clean, and answers',
    instances
      .filter(is('ready'))
      .map(boxOf)
      .filter((box) => !box || box.dirty || box.claimId !== null || !world.answers(box)),
  )
  must(
    'a claimed box knows its claim and conversation',
    instances
      .filter(is('claimed'))
      .filter((i) => boxOf(i)?.claimId !== i.claim_id || boxOf(i)?.conversationId !== i.conversation_id),
  )
  const ownerOf = new Map(instances.map((i) => [i.id, i.claim_id]))
  must(
    'a box that took a claim is that claim’s, or gone',
    [...world.bound].filter(([id, by]) => live.some((box) => box.id === id) && ![...by].includes(ownerOf.get(id) ?? '')),
  )
  must(
    'the events tell how each row came to its status',
    await truth.query(`
      select instance_id, type, from_status, before from (
        select instance_id, type, from_status, lag(to_status) over (partition by instance_id order by id) as before
        from instance_events where from_status is not null or to_status is not null) e
      where from_status is distinct from before
      union all
      select id, 'now', status, told.to_status from instances left join lateral (
        select to_status from instance_events e where e.instance_id = instances.id and e.to_status is not null order by id desc limit 1) told on true
      where told.to_status is distinct from status`),
  )
}
