import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyPatch, maskConfig, mergePatch, type EnvironmentConfig } from '../src/simulators/railway/config.ts'

const service = {
  source: { image: 'ghcr.io/acme/agent:1' },
  deploy: { startCommand: 'node x.js', drainingSeconds: 10, registryCredentials: { username: 'bot', password: 'pat' } },
  variables: { KEEP: { value: 'a' }, DROP: { value: 'b' }, SEALED: { value: 'c', isSealed: true } },
}
const config: EnvironmentConfig = { services: { one: service, two: { source: { image: 'other' } } } }

test('a patch changes what it names, null deletes, and what it leaves out stays', () => {
  const patch = {
    services: { one: { deploy: { startCommand: null, numReplicas: 1 }, variables: { DROP: null, NEW: { value: 'n' } } } },
  }
  const { config: next, changed } = applyPatch(config, patch)
  expect(changed).toEqual(['one'])
  expect(next.services.two).toEqual(config.services.two)
  expect(next.services.one).toEqual({
    source: service.source,
    deploy: { drainingSeconds: 10, registryCredentials: service.deploy.registryCredentials, numReplicas: 1 },
    variables: { KEEP: { value: 'a' }, SEALED: { value: 'c', isSealed: true }, NEW: { value: 'n' } },
  })
})

test('null is ignored where Railway ignores it', () => {
  const { changed } = applyPatch(config, { services: { one: { deploy: { drainingSeconds: null } } } })
  expect(changed).toEqual([])
})

test.each([
  ['nothing', {}],
  ['what is there already', { services: { one: { variables: { KEEP: { value: 'a' } } } } }],
  ['an empty part', { services: { one: {} } }],
  ['the removal of what is not there', { services: { one: { variables: { ABSENT: null } } } }],
])('a patch with %s changes no service', (_what, patch) => {
  expect(applyPatch(config, patch)).toEqual({ config, changed: [] })
})

test('a patch of the wrong shape is refused', () => {
  expect(() => applyPatch(config, { services: { one: { variables: { A: 'no object' } } } })).toThrow()
  expect(() => applyPatch(config, 'no object at all')).toThrow()
})

test('applying a patch twice is the same as applying it once', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), (base, patch) => {
      const once = mergePatch(base, patch)
      expect(mergePatch(once, patch)).toEqual(once)
    }),
  )
})

test('a reader sees variables only decrypted, sealed ones and registry credentials never', () => {
  const masked = { username: '*****', password: '*****' }
  expect(maskConfig(config, false).services.one).toMatchObject({
    deploy: { startCommand: 'node x.js', registryCredentials: masked },
    variables: { KEEP: { value: '*****' }, SEALED: { value: '*****' } },
  })
  expect(maskConfig(config, true).services.one).toMatchObject({
    deploy: { registryCredentials: masked },
    variables: { KEEP: { value: 'a' }, SEALED: { value: '*****' } },
  })
})
