import { fileURLToPath } from 'node:url'
import { scoped } from '@convos/sandbox/testing'
import { expect, onTestFinished, test } from 'vitest'
import { createConvos } from '../src/simulators/convos/index.ts'
import { serveSimulators } from '../src/simulators/core/serve.ts'
import { callInstance, startVirtual } from './support/virtual-instances.ts'

const CONVOS_BIN = fileURLToPath(new URL('../bin/convos', import.meta.url))
const AGENT_SERVER = fileURLToPath(new URL('../../../runtime/server/src/index.ts', import.meta.url))

type Instance = Awaited<ReturnType<Awaited<ReturnType<typeof startVirtual>>['instance']>>
type Step = [what: string, method: string, path: string, body?: unknown, token?: 'none' | 'wrong']

const provision = (claimId: string, more: object = {}) => ({ claimId, agentName: 'Ada', instructions: 'Be kind.', ...more })

/** All that services may ask of an instance, in an order that meets every answer. */
const STEPS: Step[] = [
  ['health, for strangers', 'GET', '/pool/health', undefined, 'none'],
  ['health, with a wrong token', 'GET', '/pool/health', undefined, 'wrong'],
  ['health', 'GET', '/pool/health'],
  ['a provision without a token', 'POST', '/pool/provision', provision('c1'), 'none'],
  ['a body that is no JSON', 'POST', '/pool/provision', '{'],
  ['a body of the wrong shape', 'POST', '/pool/provision', { claimId: 'c1' }],
  ['a profile of no claim', 'PATCH', '/pool/profile', { revision: 1, agentName: 'Bo' }],
  ['variables of no claim', 'POST', '/pool/env', { env: { EARLY: 'x' } }],
  ['health, not clean any more', 'GET', '/pool/health'],
  ['a variable with a bad name', 'POST', '/pool/env', { env: { 'bad-name': 'x' } }],
  ['a provision', 'POST', '/pool/provision', provision('c1', { env: { MINE: 'y' }, model: 'acme/large' })],
  ['the same again', 'POST', '/pool/provision', provision('c1')],
  ['another claim', 'POST', '/pool/provision', provision('c2')],
  ['health, bound', 'GET', '/pool/health'],
  ['a newer profile', 'PATCH', '/pool/profile', { revision: 2, agentName: 'Grace' }],
  ['an older profile', 'PATCH', '/pool/profile', { revision: 1, agentName: 'Late' }],
  ['a profile of the wrong shape', 'PATCH', '/pool/profile', { revision: -1 }],
  ['a cancel of another claim', 'POST', '/pool/cancel', { claimId: 'c2' }],
  ['a cancel', 'POST', '/pool/cancel', { claimId: 'c1' }],
  ['health, given up', 'GET', '/pool/health'],
  ['a provision of the cancelled claim', 'POST', '/pool/provision', provision('c1')],
  ['a reset', 'POST', '/pool/reset'],
  ['health, clean again', 'GET', '/pool/health'],
  ['a cancel before its claim', 'POST', '/pool/cancel', { claimId: 'c3' }],
  ['the claim that was cancelled before', 'POST', '/pool/provision', provision('c3')],
  ['a path that nobody serves', 'GET', '/pool/elsewhere'],
]

/** Different for every box: only that it is there can be compared. */
const ITS_OWN = ['requestId', 'version', 'conversationId', 'inviteUrl']
const comparable = (body: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, ITS_OWN.includes(name) && value !== null ? typeof value : value]),
  )

async function walk({ shell, token }: Instance) {
  const seen: Record<string, unknown> = {}
  for (const [what, method, path, body, as] of STEPS) {
    const bearer = as === undefined ? token : as === 'wrong' ? 'wrong' : null
    const answer = await callInstance(shell.domain, method, path, { token: bearer, body })
    const type = answer.headers.get('content-type')?.split(';')[0]
    seen[what] = { status: answer.status, type, body: comparable(answer.body) }
  }
  return seen
}

test('a virtual instance answers whatever services may ask as the real agent server does', async () => {
  const network = await serveSimulators({ simulators: [createConvos] })
  onTestFinished(() => network.close())
  const real = scoped(await startVirtual({ host: 'process', agentServer: { command: process.execPath, args: [AGENT_SERVER] } }))
  const virtual = scoped(await startVirtual())
  const sandbox = { AGENT_ENGINE: 'lite', CONVOS_BIN, CONVOS_SANDBOX_URL: `${network.url}/convos`, LOG_LEVEL: 'silent' }
  const [one, other] = await Promise.all([real.instance('aaaaaaaaaaaa', sandbox), virtual.instance('bbbbbbbbbbbb')])
  const [expected, seen] = await Promise.all([walk(one), walk(other)])
  expect(seen).toEqual(expected)
  expect(Object.keys(seen)).toHaveLength(STEPS.length)
  expect([(await one.health())['version'], (await other.health())['version']]).toEqual([expect.stringMatching(/^\d/), 'virtual'])
})
