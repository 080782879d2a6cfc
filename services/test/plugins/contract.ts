import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ToolPlugin } from '../../src/registry.ts'
import { notForInstances } from '../support/instance-variables.ts'
import { keyOf, makeAll, makeOne, newId, type World } from './world.ts'

export interface Subject {
  /** The tool, with the simulator for its provider; or with a provider at another address. */
  plugin: (url?: string) => ToolPlugin
  /** Where its provider is, for instances that are told only what differs. */
  usualUrl?: string
  /** What the instance is given, by kind of resource. */
  variables: Record<string, string[]>
  /** The request that makes one, by kind of resource. */
  creation: Record<string, { method: 'POST'; path: string }>
  /** A thing of somebody else's at the same provider. */
  strangers?: () => Promise<unknown>
  /** What its provider says to credentials that it does not know. */
  refusal: { status: number; body: unknown }
  /** What is alive at the provider; retained things are not. */
  alive: (resources: Awaited<ReturnType<World['resources']>>) => { instanceId: string | null }[]
  /** Looking may make what it finds. */
  findWrites?: true
}

/** What holds for every tool, whatever it is made of. */
export function toolContract(world: World, subject: Subject): void {
  const kinds = Object.keys(subject.creation)
  const { plugin, usualUrl } = subject
  const resourceOf = (kind: string) => {
    const found = plugin().resources.find((resource) => resource.kind === kind)
    if (!found) throw new Error(`no ${kind}`)
    return found
  }
  const aliveOf = async (id: string) => subject.alive(await world.resources()).filter(({ instanceId }) => instanceId === id)
  /** What `kind` is made with: the resources before it, made. */
  async function requestFor(kind: string, instanceId = newId()) {
    const made: Record<string, string> = {}
    const request = { instanceId, key: keyOf(instanceId), made }
    for (const resource of plugin().resources) {
      if (resource.kind === kind) return request
      made[resource.kind] = (await makeOne(world, resource, request)).resourceId
    }
    throw new Error(`no ${kind}`)
  }

  describe('any tool', () => {
    test('gives the instance exactly the variables that it is told of, and tells nobody else its secrets', async () => {
      const created = await makeAll(world, plugin(), newId())
      const names = Object.entries(created).map(([kind, { envVars }]) => [kind, Object.keys(envVars).toSorted()])
      expect(Object.fromEntries(names)).toEqual(subject.variables)
      expect(notForInstances(Object.values(subject.variables).flat())).toEqual([])
      for (const { envVars, config, resourceId } of Object.values(created))
        for (const [name, value] of Object.entries(envVars))
          if (name.endsWith('_KEY')) expect(JSON.stringify([config, resourceId])).not.toContain(value)
    })

    if (usualUrl !== undefined) {
      test('says nothing of its provider’s address when that is the usual one', async () => {
        const { fetch } = globalThis
        vi.stubGlobal('fetch', (url: string, init: RequestInit) => fetch(url.replace(usualUrl, world.url()), init))
        onTestFinished(() => void vi.unstubAllGlobals())
        const created = await makeAll(world, plugin(usualUrl), newId())
        const told = Object.values(created).flatMap(({ envVars }) => Object.keys(envVars))
        const all = Object.values(subject.variables).flat()
        expect(told).toEqual(all.filter((name) => !name.endsWith('_API_URL')))
      })
    }

    test('is made once, however often it is made', async () => {
      const id = newId()
      await makeAll(world, plugin(), id)
      await makeAll(world, plugin(), id, { again: true })
      expect(await aliveOf(id)).toHaveLength(kinds.length)
    })

    test('goes, and goes again; nothing of it is left', async () => {
      const id = newId()
      const created = await makeAll(world, plugin(), id)
      for (const resource of plugin().resources.toReversed()) {
        const { resourceId } = created[resource.kind] ?? { resourceId: '' }
        await world.settled(() => resource.destroy(resourceId))
        await world.settled(() => resource.destroy(resourceId))
      }
      expect(await aliveOf(id)).toEqual([])
    })

    test('of two instances, each has its own', async () => {
      const [one, other] = [newId(), newId()]
      await makeAll(world, plugin(), one)
      await makeAll(world, plugin(), other)
      for (const { kind, find, destroy } of plugin().resources.toReversed()) {
        const found = await find(keyOf(one))
        expect(found, kind).toHaveLength(1)
        for (const resourceId of found) await world.settled(() => destroy(resourceId))
      }
      expect([(await aliveOf(one)).length, (await aliveOf(other)).length]).toEqual([0, kinds.length])
    })

    test('is listed by its key, where there is a list; what is somebody else’s is not', async () => {
      await subject.strangers?.()
      const id = newId()
      const created = await makeAll(world, plugin(), id)
      world.later(5_000)
      for (const { kind, list } of plugin().resources) {
        const listed = (await list?.()) ?? []
        const rows = listed.map(({ resourceId, key }) => ({ resourceId, key }))
        expect(rows).toEqual(list ? [{ resourceId: created[kind]?.resourceId, key: keyOf(id) }] : [])
      }
    })
  })

  describe.each(kinds)('a %s', (kind) => {
    const match = subject.creation[kind] ?? {}

    test('whose creation was not answered is found, and made once', async () => {
      const request = await requestFor(kind)
      const before = (await aliveOf(request.instanceId)).length
      world.fault({ match, times: 1, effect: { kind: 'drop-after' } })
      await expect(resourceOf(kind).create(request)).rejects.toMatchObject({ kind: 'transient', uncertain: true })
      world.later(5_000)
      expect(await resourceOf(kind).find(request.key)).toHaveLength(1)
      await makeOne(world, resourceOf(kind), request, { again: true })
      expect(await aliveOf(request.instanceId)).toHaveLength(before + 1)
      expect(await resourceOf(kind).find(request.key)).toHaveLength(1)
    })

    test('that was never asked for may have been made all the same', async () => {
      const request = await requestFor(kind)
      world.fault({ match, times: 1, effect: { kind: 'drop-before' } })
      await expect(resourceOf(kind).create(request)).rejects.toMatchObject({ kind: 'transient', uncertain: true })
      if (!subject.findWrites) expect(await resourceOf(kind).find(request.key)).toEqual([])
      await makeOne(world, resourceOf(kind), request, { again: true })
      expect(await resourceOf(kind).find(request.key)).toHaveLength(1)
    })

    test.each([
      { answer: 'a 503', status: 503, body: {} },
      { answer: 'a page of HTML with a 502', status: 502, body: '<html>Bad gateway</html>' },
      { answer: 'a page of HTML with a 200', status: 200, body: '<html>Just a moment</html>' },
      { answer: 'a 200 that says something else', status: 200, body: { ok: true } },
    ])('may have been made when its creation is answered by $answer', async ({ status, body }) => {
      const request = await requestFor(kind)
      world.fault({ match, times: 1, effect: { kind: 'status', status, body, headers: {} } })
      await expect(resourceOf(kind).create(request)).rejects.toMatchObject({ kind: 'transient', uncertain: true })
    })

    test('is not made when we ask too often', async () => {
      const request = await requestFor(kind)
      world.fault({ match, times: 1, effect: { kind: 'html-429' } })
      await expect(resourceOf(kind).create(request)).rejects.toMatchObject({ kind: 'rate_limited', uncertain: false })
    })

    test('is not made with credentials that are refused', async () => {
      const request = await requestFor(kind)
      world.fault({ match, times: 1, effect: { kind: 'status', ...subject.refusal, headers: {} } })
      await expect(resourceOf(kind).create(request)).rejects.toMatchObject({ kind: 'auth', uncertain: false })
    })

    test('is not gone while its provider cannot be asked', async () => {
      const created = await makeAll(world, plugin(), newId())
      const { resourceId } = created[kind] ?? { resourceId: '' }
      world.fault({ effect: { kind: 'status', status: 502, body: '<html></html>', headers: {} } })
      await expect(resourceOf(kind).destroy(resourceId)).rejects.toMatchObject({ kind: 'transient', uncertain: true })
      const uncertain = subject.findWrites ?? false
      await expect(resourceOf(kind).find(keyOf(newId()))).rejects.toMatchObject({ kind: 'transient', uncertain })
    })
  })
}
