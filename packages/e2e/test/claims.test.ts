/** The system as a claimer and an operator meet it: over HTTP, with real processes, real Postgres and simulated providers. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Claim } from '@convos/pool/contract'
import { eventually } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { HOLD_CREATIONS } from './support/control.ts'
import { joinAsPerson } from './support/person.ts'
import { problemCode } from './support/pool.ts'
import { useSandbox } from './support/use-sandbox.ts'

const IDLE = 10
const bed = useSandbox({ idle: IDLE })

const warm = () =>
  eventually('the pool is full again', async () => (await bed.pool.counts()).idle === IDLE, { timeoutMs: 60_000 })

describe('a claim', () => {
  test('answers with everything its claimer needs, and the agent follows its instructions', async () => {
    const answer = await bed.pool.claim({ agentName: 'Tokyo guide', instructions: 'You are a pirate who plans trips to Tokyo.' })
    expect(answer.status).toBe(200)
    const claim = bed.pool.claimed(answer)
    expect(claim).toMatchObject({ status: 'done', joined: false, agentName: 'Tokyo guide', error: null })
    for (const field of ['claimId', 'instanceId', 'conversationId', 'inviteUrl', 'gatewayUrl', 'gatewayToken'] as const) {
      expect(claim[field], field).toEqual(expect.any(String))
    }
    const person = await joinAsPerson(claim.inviteUrl ?? '', 'Ada')
    await person.say('What should I see first?')
    await person.hears(/pirate who plans trips to Tokyo/i)
  })

  test('joins the conversation of an invite: the second agent is in the first one’s', async () => {
    const first = bed.pool.claimed(await bed.pool.claim({ agentName: 'Host' }))
    const answer = await bed.pool.claim({ agentName: 'Guest', joinUrl: first.inviteUrl })
    expect(answer.status).toBe(200)
    expect(bed.pool.claimed(answer)).toMatchObject({ status: 'done', joined: true, conversationId: first.conversationId })
    expect(bed.pool.claimed(answer).instanceId).not.toBe(first.instanceId)
  })

  test('repeated ten times at once under one key is one claim of one instance', async () => {
    const headers = { 'Idempotency-Key': 'ten-times' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => bed.pool.claim({ agentName: 'Once' }, headers)))
    const claims = answers.map((answer) => Claim.parse(answer.body))
    expect(answers.map((a) => a.status)).toEqual(Array.from({ length: 10 }, () => 200))
    expect(new Set(claims.map((c) => c.instanceId)).size).toBe(1)
    expect(new Set(claims.map((c) => c.gatewayToken)).size).toBe(1)
    const other = await bed.pool.claim({ agentName: 'Another' }, headers)
    expect([other.status, problemCode(other)]).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
  })

  test('without a key is refused', async () => {
    const answer = await bed.pool.claim({}, { authorization: 'Bearer wrong' })
    expect([answer.status, problemCode(answer)]).toEqual([401, 'UNAUTHORIZED'])
  })

  test('with wrong types and unknown fields is refused with a list of them', async () => {
    const answer = await bed.pool.claim({ agentName: 7, waitMs: 'long', nonsense: true })
    expect([answer.status, problemCode(answer)]).toEqual([400, 'INVALID_REQUEST'])
    const { errors } = answer.body as { errors: { path: string }[] }
    expect(errors.map((e) => e.path).toSorted()).toEqual(['agentName', 'nonsense', 'waitMs'])
  })

  test.each([
    ['an invite of the production network', 'https://popup.convos.org/v2?i=abc', 'WRONG_NETWORK'],
    ['a link to anywhere else', 'https://example.com/v2?i=abc', 'INVALID_INVITE'],
  ])('with %s is refused before anything is reserved', async (_name, joinUrl, code) => {
    await warm()
    const answer = await bed.pool.claim({ joinUrl })
    expect([answer.status, problemCode(answer)]).toEqual([400, code])
    expect((await bed.pool.counts()).idle).toBe(IDLE)
  })
})

test('an invite that nobody made fails the claim in words, and soon', async () => {
  await warm()
  const answer = await bed.pool.claim({ joinUrl: `${bed.sandbox.providers.convos}/v2?i=nobody-made-this` })
  expect([answer.status, problemCode(answer)]).toEqual([422, 'CLAIM_REJECTED'])
})

test('every instance was made by exactly one deployment, with everything in place at that moment', async () => {
  await warm()
  const { railway } = await bed.control.resources()
  for (const project of railway.projects) {
    expect(project.deployments, project.name).toHaveLength(1)
    const [deployment] = project.deployments
    expect(deployment).toMatchObject({
      status: 'SUCCESS',
      volumeMounted: true,
      image: expect.stringMatching(/@sha256:[0-9a-f]{64}$/),
    })
    expect(deployment?.domain).toEqual(expect.any(String))
    const variables = Object.keys(deployment?.variables ?? {})
    const required = [
      'INSTANCE_ID',
      'INSTANCE_CONTROL_TOKEN',
      'INSTANCE_SERVICES_TOKEN',
      'OPENCLAW_GATEWAY_TOKEN',
      'OPENROUTER_API_KEY',
    ]
    expect(variables).toEqual(
      expect.arrayContaining([
        ...required,
        'PRIVATE_WALLET_KEY',
        'SETUP_PASSWORD',
        'RAILWAY_PUBLIC_DOMAIN',
        'RAILWAY_VOLUME_MOUNT_PATH',
      ]),
    )
  }
})

describe('fifty claims at once over ten ready instances', () => {
  test('ten get an agent each, forty are told to come back; who may wait gets the first of the refill, which does not overshoot', async () => {
    await warm()
    await bed.control.addFault(HOLD_CREATIONS)
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => bed.pool.claim({ agentName: `Burst ${i}` })))
    const served = answers.filter((a) => a.status === 200).map((a) => Claim.parse(a.body))
    const refused = answers.filter((a) => a.status === 503)
    expect([served.length, refused.length]).toEqual([IDLE, 50 - IDLE])
    expect(new Set(served.map((c) => c.instanceId)).size).toBe(IDLE)
    for (const answer of refused) {
      expect(problemCode(answer)).toBe('POOL_EMPTY')
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }

    const waiting = bed.pool.claim({ agentName: 'Patient', waitMs: 60_000 })
    await bed.control.clearFaults()
    let most = 0
    await eventually(
      'the pool is full again',
      async () => {
        const counts = await bed.pool.counts()
        most = Math.max(most, counts.idle + counts.provisioning)
        return counts.idle === IDLE
      },
      { timeoutMs: 60_000 },
    )
    expect(most).toBe(IDLE)
    expect((await waiting).status).toBe(200)
  }, 90_000)
})

describe('an operator', () => {
  test('kills an agent: nothing of it is left anywhere', async () => {
    await warm()
    const { instanceId } = bed.pool.claimed(await bed.pool.claim({ agentName: 'Short-lived' }))
    const killed = await bed.pool.call('DELETE', `/api/pool/instances/${instanceId}`)
    expect(killed.status).toBe(202)
    const { id } = bed.pool.operation(killed)
    await eventually(
      'the operation is done',
      async () => bed.pool.operation(await bed.pool.call('GET', `/api/pool/operations/${id}`)).state === 'done',
    )
    const { railway, openrouter } = await bed.control.resources()
    const left = [...railway.projects, ...openrouter.keys].filter((resource) => resource.instanceId === instanceId)
    expect(left).toEqual([])
  }, 40_000)

  test('drains and replenishes from the command line', async () => {
    await warm()
    const cli = fileURLToPath(new URL('../../../pool/src/cli.ts', import.meta.url))
    const run = (...args: string[]) =>
      promisify(execFile)(process.execPath, [
        cli,
        ...args,
        '--url',
        bed.sandbox.poolUrl,
        '--key',
        bed.sandbox.poolApiKey,
        '--json',
      ])
    const before = (await bed.pool.status()).instances.map((instance) => instance.id)
    await run('drain', '--count', '2')
    await warm()
    const after = (await bed.pool.status()).instances.map((instance) => instance.id)
    expect(before.filter((id) => !after.includes(id))).toHaveLength(2)
    expect(JSON.parse((await run('status')).stdout)).toMatchObject({ counts: { idle: IDLE } })
  }, 90_000)
})

test('the public sees no secret, no invite and no owner', async () => {
  const read = async (path: string) => (await fetch(bed.sandbox.poolUrl + path)).text()
  const bytes = (await Promise.all(['/', '/api/pool/agents', '/api/pool/counts', '/version', '/healthz'].map(read))).join('\n')
  const { railway } = await bed.control.resources()
  const secrets = railway.projects.flatMap((project) =>
    project.deployments.flatMap(({ variables }) =>
      Object.entries(variables)
        .filter(([name]) => /TOKEN|KEY|PASSWORD/.test(name))
        .map(([, value]) => value),
    ),
  )
  expect(secrets.length).toBeGreaterThan(IDLE)
  for (const secret of [...secrets, bed.sandbox.poolApiKey, bed.sandbox.servicesApiKey, bed.sandbox.metricsToken])
    expect(bytes).not.toContain(secret)
  expect(bytes).not.toContain('/v2?i=')
})
