import { scoped } from '@convos/sandbox/testing'
import { describe, expect, test } from 'vitest'
import { type Described, readDescription } from './described.ts'
import { type Caller, EXAMPLES, type Example } from './examples.ts'
import { detailOf } from './fake-services.ts'
import { testPool, type TestPool } from './harness.ts'
import { makeKey, sessionHeaders } from './keys.ts'

const SCRAPER = 'metrics-token-000000'

/** Streams end at once, a join waits for no one, and what the pool creates by itself stays queued: nothing moves but what is called. */
async function apiPool(): Promise<TestPool> {
  const pool = await testPool({
    env: { METRICS_TOKEN: SCRAPER },
    limits: {
      feedStreamMs: 0,
      readyCacheMs: 0,
      loginsPerMinute: 1_000,
      claimJoinMs: 300,
      anotherBoxJoinMs: 0,
      innerReserveMs: 0,
    },
  })
  const { services } = pool
  services.onCreate = (id) => (services.instances.has(id) ? undefined : services.set(id, detailOf('healthy')))
  return pool
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

/** Everyone there is; those who are nobody call for what is an operator's. */
async function everyone(pool: TestPool): Promise<{ all: Caller[]; operator: Caller }> {
  const [named, revoked] = [await makeKey(pool), await makeKey(pool)]
  await pool.call('DELETE', `/api/keys/${revoked.id}`)
  const nobody = { role: 'public', owner: pool.key, session: false } as const
  const claimer = { role: 'claimer', owner: named.key } as const
  const operator: Caller = {
    role: 'operator',
    owner: pool.key,
    name: 'the pool key',
    headers: bearer(pool.key),
    session: false,
  }
  const all: Caller[] = [
    { ...nobody, name: 'nobody', headers: {} },
    { ...nobody, name: 'a revoked key', headers: bearer(revoked.key) },
    { ...nobody, name: 'the scraper', role: 'scraper', headers: bearer(SCRAPER) },
    { ...claimer, name: 'a named key', headers: bearer(named.key), session: false },
    { ...claimer, name: "a claimer's session", headers: await sessionHeaders(pool, named.key), session: true },
    operator,
    { ...operator, name: "an operator's session", headers: await sessionHeaders(pool, pool.key), session: true },
  ]
  return { all, operator }
}

function send(pool: TestPool, { method, path }: Described, { params = {}, query, headers, body }: Example, caller: Caller) {
  const at = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? 'nothing'))
  const all = { ...caller.headers, ...headers }
  return pool.call(method.toUpperCase(), query ? `${at}?${query}` : at, { key: null, headers: all, body })
}

/** What the document says of who may call: null for everyone. */
const roleOf = ({ security }: Described) => {
  const [proof] = security
  return proof === undefined ? null : 'metricsToken' in proof ? 'scraper' : (proof['apiKey']?.[0] ?? 'nobody')
}

/** What a caller is refused with; null where it may call. */
function refusalOf(operation: Described, { role }: Caller): number | null {
  const needed = roleOf(operation)
  if (needed === null || needed === role) return null
  if (needed === 'scraper' || role === 'public' || role === 'scraper') return 401
  return role === 'operator' ? null : 403
}

describe('what is described is what is done', () => {
  test('every operation answers every caller as its class and its description say', async () => {
    const pool = scoped(await apiPool())
    const { operations, faultsOfAnswer, faultsOfBody } = await readDescription(pool)
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(operations.map(({ operationId }) => operationId).toSorted())
    const { all, operator } = await everyone(pool)
    const faults: string[] = []

    async function call(operation: Described, example: Example, caller: Caller, expected: number): Promise<void> {
      const answer = await send(pool, operation, example, caller)
      const found = [...faultsOfBody(operation, example.body), ...faultsOfAnswer(operation, answer)]
      if (answer.status !== expected) found.push(`it answers ${answer.status}, not ${expected}: ${answer.text.slice(0, 300)}`)
      faults.push(...found.map((fault) => `${operation.operationId} as ${caller.name}: ${fault}`))
    }

    for (const operation of operations) {
      const refused = all.filter((caller) => refusalOf(operation, caller) !== null)
      for (const [n, make] of (EXAMPLES[operation.operationId] ?? []).entries()) {
        // what is refused leaves what it is about as it was
        const example = await make(pool, operator)
        await Promise.all(refused.map((caller) => call(operation, example, caller, refusalOf(operation, caller) ?? 0)))
        for (const caller of all) {
          // a session has the rights of its key: one call shows it
          if (refused.includes(caller) || (caller.session && n > 0)) continue
          const own = await make(pool, caller)
          await call(operation, own, caller, own.status)
        }
      }
    }
    expect(faults).toEqual([])
  }, 60_000)

  test('and so are the refusals: of what has no such id, of what has a field too many, and of a claim', async () => {
    const pool = scoped(await apiPool())
    const { operations, faultsOfAnswer } = await readDescription(pool)
    const { operator } = await everyone(pool)
    const faults: string[] = []

    async function refused(operation: Described, example: Omit<Example, 'status'>, statuses: number[]): Promise<void> {
      const answer = await send(pool, operation, { ...example, status: 0 }, operator)
      const found = faultsOfAnswer(operation, answer)
      if (!statuses.includes(answer.status)) found.push(`it answers ${answer.status}, not ${statuses.join()}: ${answer.text}`)
      faults.push(...found.map((fault) => `${operation.operationId}: ${fault}`))
    }

    for (const operation of operations) {
      // those that take anything have their body looked at by who knows what it means
      if (operation.requestBody && operation.operationId !== 'changeInstanceTool')
        await refused(operation, { body: { surplus: true } }, [400])
      if (/\{id\}|\{digest\}/.test(operation.path)) {
        const { body } = (await EXAMPLES[operation.operationId]?.[0]?.(pool, operator)) ?? {}
        await refused(operation, { params: { id: 'nothing', toolId: 'email', digest: `sha256:${'0'.repeat(64)}` }, body }, [404])
      }
      if (operation.operationId === 'claim') {
        // with how many wait, and how long it may take
        await pool.call('POST', '/api/pool/drain', { body: { all: true } })
        await refused(operation, { body: {} }, [503])
        await refused(operation, { body: { templateId: 'nothing' } }, [404])
        await refused(operation, { body: { instructions: 'long'.repeat(100_000) } }, [413])
      }
      if (operation.operationId === 'updateTemplate') {
        const example = await EXAMPLES['updateTemplate']?.[0]?.(pool, operator)
        // with the version that it has
        await refused(operation, { ...example, body: { ...(example?.body as object), version: 7 } }, [409])
      }
    }
    await pool.services.close()
    const readiness = operations.filter(({ operationId }) => operationId === 'getReadiness')
    for (const operation of readiness) await refused(operation, {}, [503])
    expect(faults).toEqual([])
  })
})
