/** What only Railway itself can show, on one project that is made for it and deleted again. */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Database, Meta } from '@convos/kit'
import { fault, inWords, ok, type Seen, unverified, warning } from '@convos/kit/doctor'
import { openGate } from '../budget/gate.ts'
import type { Config } from '../config.ts'
import { freeSlot, takeSlot } from '../db/slots.ts'
import { isKind } from '../infra/errors.ts'
import type { InfraProvider, Place, PlaceRequest, PlaceStep } from '../infra/provider.ts'
import { createRailway } from '../infra/railway.ts'
import { createRailwayClient, type RailwayClient } from '../infra/railway/client.ts'
import * as op from '../infra/railway/operations.ts'
import { idsOf } from '../infra/railway/place.ts'
import { INSTANCE_PORT, MOUNT_PATH } from '../instance/desired.ts'

/** Longer than everything in it takes at the most: what was made is deleted within it. */
export const LIVE_MS = 15 * 60_000
/** How long a project waits for its turn. */
const TURN_WITHIN = 3 * 60_000
/** How long something may take to show, or to be gone. */
const SHOWS_WITHIN = 60_000
const LOOK_EVERY = 1_000
/** A project of ours that a run left behind is looked for so far back. */
const LEFT_BEHIND_MS = 30 * 86_400_000

interface Live {
  config: Config
  db: Database
  meta: Meta
}

/** No marker of an instance, so that no reconciliation takes it for one. */
export const doctorsMarker = ({ deploymentId, environment }: Meta): string => `convos-doctor:${deploymentId}:${environment}`

/** Makes a project with all that an instance has, tries what is known from documents only, and deletes it whatever happens. */
export async function lookAlive({ config, db, meta }: Live): Promise<Seen[]> {
  const railway = { ...config.railway, environment: config.environment, gate: openGate }
  const infra = createRailway(railway)
  const marker = doctorsMarker(meta)
  const seen: Seen[] = await removeLeftovers(infra, marker)
  let place: Place = {}
  try {
    for (const step of infra.ensure) {
      place = { ...place, ...(await make(db, step, { ...request(marker, config.environment), place })) }
      seen.push(ok('LIVE_CREATE', `it makes a ${step.name}`), await found(step, marker, config, place))
    }
    seen.push(await tried('LIVE_PATCH', 'a patch takes effect', () => patchOne(createRailwayClient(railway), place)))
    seen.push(await tried('LIVE_BATCH', `${infra.statusBatch} projects are told in one request`, () => askForMany(infra, place)))
    seen.push(await tried('LIVE_SURVEY', 'a page of 100 projects with all that is in them is answered', () => infra.list()))
  } catch (err) {
    seen.push(fault('LIVE_CREATE', inWords(err), 'without this no agent can be made: mend what it says, and try again'))
  } finally {
    seen.push(...(await removed(infra, marker, place)))
  }
  return [...seen, ...OPEN.map((question) => unverified('LIVE_OPEN', question))]
}

/** What one project cannot show. */
const OPEN = [
  'whether this plan makes projects faster or slower than one in 30 s',
  'how a registry that refuses the image is told (set GHCR_USERNAME and GHCR_TOKEN, and see the first agent start)',
  'whether compute is billed while a deletion is scheduled',
  'how often a webhook is repeated',
  'how many projects the workspace may have',
]

const request = (marker: string, environment: string): Omit<PlaceRequest, 'place'> => ({
  instanceId: 'doctor',
  name: `convos-doctor-${environment}`.slice(0, 32),
  marker,
  since: new Date(),
  port: INSTANCE_PORT,
  mountPath: MOUNT_PATH,
})

/** In its turn: a running services makes projects too. */
async function make(db: Database, step: PlaceStep, p: PlaceRequest): Promise<Place> {
  const { oneAtATime: turn } = step
  if (!turn) return step.create(p)
  const slot = { name: turn.slot, holder: `doctor:${randomUUID()}` }
  const endsAt = performance.now() + TURN_WITHIN
  for (;;) {
    const waitMs = await takeSlot(db, { ...slot, ms: turn.callMs })
    if (performance.now() + (waitMs ?? 0) > endsAt) throw new Error(`a ${step.name} had no turn in time: others are being made`)
    if (waitMs !== null) {
      await wait(waitMs)
      continue
    }
    try {
      return await step.create(p)
    } catch (err) {
      if (!isKind(err, 'throttled')) throw err
    } finally {
      await freeSlot(db, { ...slot, ms: turn.everyMs })
    }
  }
}

/** How long it takes until a look finds what was made, which is what an interrupted creation relies on. */
async function found(step: PlaceStep, marker: string, config: Config, place: Place): Promise<Seen> {
  const began = performance.now()
  const id = step.yields[0] ?? ''
  const p = { ...request(marker, config.environment), place }
  let looks = 0
  const shows = await within(SHOWS_WITHIN, async () => (looks++, (await step.find(p))?.[id] === place[id]))
  const ms = Math.round(performance.now() - began)
  // what the first look finds does not lag, however long that look takes
  if (shows && (looks === 1 || ms <= config.listLagMs)) return ok('LIVE_FIND', `the ${step.name} is found again after ${ms} ms`)
  const seen = shows ? `the ${step.name} showed after ${ms} ms only` : `the ${step.name} did not show within a minute`
  return warning(
    'LIVE_FIND',
    seen,
    'raise RAILWAY_PROJECT_INTERVAL_MS above that: looks would miss what an interrupted creation left',
  )
}

async function tried(code: string, what: string, work: () => Promise<unknown>): Promise<Seen> {
  try {
    await work()
    return ok(code, what)
  } catch (err) {
    return fault(code, `not so: ${what}: ${inWords(err)}`, 'services relies on this: do not go on before it is understood')
  }
}

/** One variable of a service that nothing is deployed of. */
async function patchOne(call: RailwayClient, place: Place): Promise<void> {
  const ids = idsOf(place, 'projectId', 'environmentId', 'serviceId')
  const value = randomUUID()
  const patch = { services: { [ids.serviceId]: { variables: { CONVOS_DOCTOR: { value } } } } }
  await call(op.EnvironmentPatchCommit, { environmentId: ids.environmentId, patch, commitMessage: 'convos: doctor' })
  const took = await within(SHOWS_WITHIN, async () => (await call(op.VariablesGet, ids)).variables['CONVOS_DOCTOR'] === value)
  if (!took) throw new Error('the variable did not show within a minute')
}

/** Ids that nobody knows must not spoil the answer about one that is. */
async function askForMany(infra: InfraProvider, place: Place): Promise<void> {
  const others = Array.from({ length: infra.statusBatch - 1 }, (_, n) => ({
    instanceId: `other-${n}`,
    place: { projectId: randomUUID() },
  }))
  const answer = await infra.status([{ instanceId: 'doctor', place }, ...others])
  if (answer.size !== 1 || !answer.has('doctor')) throw new Error(`${answer.size} of them were told, not the one that there is`)
}

/** Of an earlier run that was cut off. */
async function removeLeftovers(infra: InfraProvider, marker: string): Promise<Seen[]> {
  const left = await infra.find({ marker, since: new Date(Date.now() - LEFT_BEHIND_MS) })
  if (left.length === 0) return []
  await Promise.all(left.map((place) => infra.drop(place)))
  return [ok('LIVE_LEFTOVERS', `${left.length} projects that an earlier run had left were deleted`)]
}

/** Also what was made without an answer. */
async function removed(infra: InfraProvider, marker: string, place: Place): Promise<Seen[]> {
  try {
    const began = performance.now()
    const since = new Date(Date.now() - LIVE_MS)
    const places = place['projectId'] === undefined ? await infra.find({ marker, since }) : [place]
    await Promise.all(places.map((each) => infra.drop(each)))
    const isGone = async () => (await Promise.all(places.map((each) => infra.gone(each)))).every(Boolean)
    const ms = () => Math.round(performance.now() - began)
    if (await within(SHOWS_WITHIN, isGone)) return [ok('LIVE_DELETE', `the project was deleted, confirmed after ${ms()} ms`)]
    return [warning('LIVE_DELETE', 'the project is not confirmed gone after a minute', 'run it again: it deletes what is left')]
  } catch (err) {
    return [
      fault(
        'LIVE_DELETE',
        `the project could not be deleted: ${inWords(err)}`,
        'run it again, or delete "convos-doctor-…" by hand',
      ),
    ]
  }
}

/** True once `done` says so, false after `ms`. */
async function within(ms: number, done: () => Promise<boolean>): Promise<boolean> {
  const endsAt = performance.now() + ms
  for (;;) {
    if (await done()) return true
    if (performance.now() > endsAt) return false
    await wait(LOOK_EVERY)
  }
}
