import { describe, expect, test } from 'vitest'
import { doctorsMarker } from '../src/doctor/live.ts'
import { judgeVault } from '../src/doctor/own.ts'
import { judgeCredit } from '../src/doctor/providers.ts'
import { ownerOf } from '../src/naming.ts'
import { keyIn } from '../src/plugins/key.ts'

describe('the encryption keys', () => {
  const sealed = (keyId: string | null, opens: boolean) => ({ keyId, opens, values: 4, sample: 's', place: 'instance_infra/x/y' })
  test.each([
    ['nothing is sealed', [], ['k1'], 'ok ENCRYPTION'],
    ['all is sealed with the only one', [sealed('k1', true)], ['k1'], 'ok ENCRYPTION'],
    ['some is sealed with the older one', [sealed('k1', true), sealed('k2', true)], ['k2', 'k1'], 'warning ENCRYPTION_OLDER'],
    ['the older one is needed no more', [sealed('k2', true)], ['k2', 'k1'], 'warning ENCRYPTION_SPARE'],
    ['the older one is missing', [sealed('k1', false), sealed('k2', true)], ['k2'], 'fault ENCRYPTION_KEY'],
    ['it is another key of that name', [sealed('k1', false)], ['k1'], 'fault ENCRYPTION_KEY'],
    ['a value is not sealed', [sealed(null, false)], ['k1'], 'fault ENCRYPTION_VALUE'],
  ])('%s', (_what, values, ids, expected) => {
    expect(judgeVault(values, ids).map(({ level, code }) => `${level} ${code}`)).toEqual([expected])
  })
})

test.each([
  [100, 'ok OPENROUTER'],
  [19.99, 'warning OPENROUTER_CREDIT_LOW'],
  [0, 'fault OPENROUTER_CREDIT'],
])('%d USD on an account whose agents may spend 20 each', (left, expected) => {
  const { level, code } = judgeCredit(left, 20)
  expect(`${level} ${code}`).toBe(expected)
})

test('the mark on what --live makes is no instance’s, whatever the deployment is called', () => {
  const meta = { deploymentId: 'deadbeef', environment: 'production' }
  const marker = doctorsMarker(meta)
  expect(keyIn(marker)).toBeNull()
  expect(ownerOf((instanceId) => `convos:${meta.deploymentId}:${meta.environment}:${instanceId}`, marker)).toBeNull()
})
