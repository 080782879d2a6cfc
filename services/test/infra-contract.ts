import { randomBytes } from 'node:crypto'
import { eventually } from '@convos/sandbox/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ProviderError } from '../src/infra/errors.ts'
import type { DesiredState, InfraProvider, Place, PlaceRequest } from '../src/infra/provider.ts'

/** A provider with its surroundings. */
export interface InfraBed {
  provider: InfraProvider
  /** The next call `lost`: takes effect, its answer never comes; `refused`: is turned down for good. */
  fail(how: 'lost' | 'refused'): void
  /** Lets what was deployed come up, where that does not happen by itself. */
  rise(instanceId: string): void
  close(): Promise<void>
}

const IMAGES = ['a', 'b'].map((digit) => `ghcr.io/acme/agent@sha256:${digit.repeat(64)}`) as [string, string]

/** Without these no agent starts. */
const NEEDED = ['INSTANCE_ID', 'INSTANCE_CONTROL_TOKEN', 'OPENCLAW_GATEWAY_TOKEN', 'OPENROUTER_API_KEY']

/** What every provider of places has to keep. */
export function infraContract(name: string, make: () => Promise<InfraBed>): void {
  describe(`${name} as a provider of places`, () => {
    let bed: InfraBed
    let infra: InfraProvider
    beforeAll(async () => {
      bed = await make()
      infra = bed.provider
    })
    afterAll(() => bed.close())

    let request: PlaceRequest
    beforeEach(() => {
      request = newRequest()
    })

    test('the steps in their order make one place, each giving the ids that it says', async () => {
      const place = await makePlace(infra, request)
      expect(await infra.find(request)).toEqual([rootOf(infra, place)])
      expect(new Set(Object.values(place)).size, 'every id is another one').toBe(Object.values(place).length)
    })

    test('before a step nothing is found, afterwards what it made', async () => {
      let place: Place = {}
      for (const step of infra.ensure) {
        expect(await step.find({ ...request, place }), step.name).toBeNull()
        const made = await step.create({ ...request, place })
        expect(await step.find({ ...request, place }), step.name).toEqual(made)
        place = { ...place, ...made }
      }
    })

    test('broken off after any step and taken up again, they still make one place', async () => {
      for (const broken of infra.ensure) {
        const own = newRequest()
        let place: Place = {}
        for (const step of infra.ensure) {
          const p = { ...own, place }
          const first = await step.create(p)
          if (step === broken) expect(await (step.repeat === 'same' ? step.create(p) : step.find(p)), broken.name).toEqual(first)
          place = { ...place, ...first }
        }
        expect(await infra.find(own)).toHaveLength(1)
        await infra.patch(place, { desired: desired(own), removedVariables: [] })
        expect((await infra.inspect(place))?.domain).toBe(place['domain'])
      }
    })

    test('a step whose answer was lost is uncertain, and what it made is found', async () => {
      bed.fail('lost')
      await expect(infra.ensure[0].create({ ...request, place: {} })).rejects.toMatchObject({ uncertain: true })
      expect(await infra.ensure[0].find({ ...request, place: {} })).toMatchObject({})
      expect(await infra.find(request)).toHaveLength(1)
    })

    test('a place is found by exactly its marker, and listed with it when it is one of ours', async () => {
      const place = await makePlace(infra, request)
      const other = { ...newRequest(), marker: `${request.marker} of somebody else` }
      await makePlace(infra, other)
      expect(await infra.find({ ...request, marker: request.marker.slice(0, -1) })).toEqual([])
      const listed = (await infra.list()).filter(({ marker }) => marker.startsWith(request.marker))
      expect(listed).toMatchObject([{ place: rootOf(infra, place), marker: request.marker, name: request.name }])
      expect(Math.abs(Date.now() - (listed[0]?.createdAt.getTime() ?? 0))).toBeLessThan(60_000)
    })

    test('one patch is one deployment with everything in it; the same again is none, another image is another', async () => {
      const place = await makePlace(infra, request)
      expect(await statusOf(request, place)).toEqual({ deleted: false, deployment: null })

      const wanted = desired(request)
      await infra.patch(place, { desired: wanted, removedVariables: [] })
      const first = await deploymentOf(request, place)
      expect([IMAGES[0], null]).toContain(first.image)
      expect(await infra.inspect(place)).toEqual({
        domain: place['domain'],
        image: IMAGES[0],
        deploymentId: first.id,
        variables: wanted.env,
      })

      await infra.patch(place, { desired: wanted, removedVariables: [] })
      expect((await deploymentOf(request, place)).id).toBe(first.id)

      const env = { PORT: '8080', ADDED: 'x' }
      const change = { desired: { ...wanted, image: IMAGES[1], env }, removedVariables: NEEDED }
      await infra.patch(place, change)
      const second = await deploymentOf(request, place)
      expect(second.id).not.toBe(first.id)
      expect([IMAGES[1], null]).toContain(second.image)
      expect(await infra.inspect(place)).toEqual({
        domain: place['domain'],
        image: IMAGES[1],
        deploymentId: second.id,
        variables: env,
      })
      await infra.patch(place, change)
      expect((await deploymentOf(request, place)).id, 'what is gone already is no difference').toBe(second.id)
    })

    test('a patch whose answer was lost is the same when it is sent again', async () => {
      const place = await makePlace(infra, request)
      const patch = { desired: desired(request), removedVariables: ['NEVER_THERE'] }
      bed.fail('lost')
      await expect(infra.patch(place, patch)).rejects.toMatchObject({ uncertain: true })
      const { id } = await deploymentOf(request, place)
      await infra.patch(place, patch)
      expect((await deploymentOf(request, place)).id).toBe(id)
    })

    test('a redeploy is always a new deployment, a restart is the same one', async () => {
      const place = await deployed()
      const first = await risen(place)
      const id = await infra.redeploy(place)
      expect(id).not.toBe(first)
      expect(await risen(place)).toBe(id)
      await infra.restart(place, id)
      expect(await risen(place)).toBe(id)
    })

    test('status tells of many places at once, and nothing of what it cannot see', async () => {
      const places = [await deployed(), await deployed()]
      const asked = places.map((place, i) => ({ instanceId: `instance ${i}`, place }))
      const stranger = { instanceId: 'stranger', place: strange(places[0] ?? {}) }
      const found = await infra.status([...asked, stranger])
      expect([...found.keys()].toSorted()).toEqual(asked.map(({ instanceId }) => instanceId))
      for (const status of found.values())
        expect(status).toMatchObject({ deleted: false, deployment: { id: expect.any(String) } })
      expect(await infra.status([], { atLeisure: true })).toEqual(new Map())
      expect(infra.statusBatch).toBeGreaterThan(0)
    })

    test('what was renamed is listed under its new name', async () => {
      const place = await makePlace(infra, request)
      const wanted = `tokyo-${request.instanceId}`
      await infra.rename(place, wanted)
      await infra.rename(place, wanted)
      expect((await infra.list()).find(({ marker }) => marker === request.marker)).toMatchObject({ name: wanted })
    })

    test('logs are the newest lines of a deployment, oldest first, and no more than asked for', async () => {
      const place = await deployed()
      const id = await risen(place)
      const all = await infra.logs(id, { limit: 100 })
      expect(all.length).toBeGreaterThan(0)
      expect(all.map(({ at }) => Date.parse(at))).toEqual(all.map(({ at }) => Date.parse(at)).toSorted((a, b) => a - b))
      expect(await infra.logs(id, { limit: 1 })).toHaveLength(1)
    })

    test('what is dropped is gone with all that was in it, once the provider says so; dropping it again is no fault', async () => {
      const place = await deployed()
      expect(await infra.gone(place)).toBe(false)
      await infra.drop(place)
      await infra.drop(place)
      await eventually('it is gone', () => infra.gone(place))
      expect(await infra.find(request)).toEqual([])
      expect((await infra.list()).filter(({ marker }) => marker === request.marker)).toEqual([])
      expect(await infra.inspect(place)).toBeNull()
      const status = (await infra.status([{ instanceId: 'it', place }])).get('it')
      expect(status?.deleted ?? true).toBe(true)
    })

    test('nothing is gone because it cannot be asked', async () => {
      const place = await deployed()
      for (const how of ['lost', 'refused'] as const) {
        bed.fail(how)
        await expect(infra.gone(place)).rejects.toBeInstanceOf(ProviderError)
        bed.fail(how)
        await expect(infra.status([{ instanceId: 'it', place }])).rejects.toBeInstanceOf(ProviderError)
      }
    })

    test('a failed call says whether it may have taken effect: a read never, a write unless it was refused', async () => {
      const place = await deployed()
      const patch = { desired: desired(request, IMAGES[1]), removedVariables: [] }
      const calls: [string, () => Promise<unknown>, boolean][] = [
        ['find', () => infra.find(request), false],
        ['list', () => infra.list(), false],
        ['inspect', () => infra.inspect(place), false],
        ['patch', () => infra.patch(place, patch), true],
        ['redeploy', () => infra.redeploy(place), true],
        ['rename', () => infra.rename(place, request.name), true],
        ['drop', () => infra.drop(place), true],
      ]
      for (const [verb, call, writes] of calls) {
        bed.fail('refused')
        await expect(call(), verb).rejects.toMatchObject({ name: 'ProviderError', kind: 'permanent', uncertain: false })
        bed.fail('lost')
        await expect(call(), verb).rejects.toMatchObject({ name: 'ProviderError', kind: 'transient', uncertain: writes })
      }
    })

    async function deployed(): Promise<Place> {
      request = newRequest()
      const place = await makePlace(infra, request)
      await infra.patch(place, { desired: desired(request), removedVariables: [] })
      return place
    }
    const statusOf = async ({ instanceId }: PlaceRequest, place: Place) =>
      (await infra.status([{ instanceId, place }])).get(instanceId)
    async function deploymentOf(p: PlaceRequest, place: Place) {
      const deployment = (await statusOf(p, place))?.deployment
      if (!deployment) throw new Error('nothing is deployed')
      return deployment
    }
    /** The id of the latest deployment, once it is up. */
    async function risen(place: Place): Promise<string> {
      const { id } = await eventually('it is up', async () => {
        bed.rise(request.instanceId)
        const deployment = await deploymentOf(request, place)
        return deployment.verdict === 'up' ? deployment : null
      })
      return id
    }
  })
}

function newRequest(): PlaceRequest {
  const instanceId = randomBytes(6).toString('hex')
  const marker = `convos:00000000:dev:${instanceId}`
  return { instanceId, name: `convos-${instanceId}`, marker, since: new Date(), port: 8080, mountPath: '/data', place: {} }
}

const desired = ({ instanceId }: PlaceRequest, image = IMAGES[0]): DesiredState => ({
  image,
  startCommand: 'sh -c run',
  healthcheck: { path: '/pool/health', timeoutSeconds: 30 },
  limits: null,
  region: null,
  mountPath: '/data',
  env: { PORT: '8080', ...Object.fromEntries(NEEDED.map((variable) => [variable, instanceId])) },
})

async function makePlace({ ensure }: InfraProvider, request: PlaceRequest): Promise<Place> {
  let place: Place = {}
  for (const step of ensure) {
    const made = await step.create({ ...request, place })
    expect(Object.keys(made).toSorted(), step.name).toEqual([...step.yields].toSorted())
    place = { ...place, ...made }
  }
  return place
}

/** The part of a place that its first step makes. */
const rootOf = ({ ensure: [root] }: InfraProvider, place: Place) => Object.fromEntries(root.yields.map((id) => [id, place[id]]))

/** Ids of the same form that are nobody's. */
const strange = (place: Place): Place => Object.fromEntries(Object.keys(place).map((id) => [id, crypto.randomUUID()]))
