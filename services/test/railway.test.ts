import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import {
  BreakingChangeType,
  buildClientSchema,
  buildSchema,
  findBreakingChanges,
  type IntrospectionQuery,
  parse,
  validate,
} from 'graphql'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Gate } from '../src/budget/gate.ts'
import type { ProviderError } from '../src/infra/errors.ts'
import { classify } from '../src/infra/railway/classify.ts'
import { createRailwayClient } from '../src/infra/railway/client.ts'
import { EnvironmentPatchCommit, OPERATIONS, ProjectDelete, ProjectGet, VariablesGet } from '../src/infra/railway/operations.ts'
import { RAILWAY_TYPES, railwayTypes } from '../scripts/railway-types.ts'

const ours = buildSchema(readFileSync(new URL('../src/infra/railway/schema.graphql', import.meta.url), 'utf8'))
const realFile =
  process.env['RAILWAY_SCHEMA_FILE'] ??
  fileURLToPath(new URL('../../../shared/providers/railway/railway.schema.json', import.meta.url))

describe('documents', () => {
  test.each(OPERATIONS.map((operation) => [operation.name, operation] as const))(
    '%s is what the schema knows',
    (name, { text, mutation }) => {
      const document = parse(text)
      expect(validate(ours, document).map((error) => error.message)).toEqual([])
      expect(document.definitions).toMatchObject([{ name: { value: name }, operation: mutation ? 'mutation' : 'query' }])
    },
  )

  test('the types are those of the documents; `pnpm --filter @convos/services run generate` writes them anew', async () => {
    expect(readFileSync(RAILWAY_TYPES, 'utf8')).toBe(await railwayTypes())
  })

  test.skipIf(!existsSync(realFile))('the schema here says nothing that the real one does not', () => {
    const file = JSON.parse(readFileSync(realFile, 'utf8')) as { data?: IntrospectionQuery } & IntrospectionQuery
    const real = buildClientSchema(file.data ?? file, { assumeValid: true })
    // going from ours to the real one must break nobody
    const broken = findBreakingChanges(ours, real).filter(({ type }) => type !== BreakingChangeType.DIRECTIVE_LOCATION_REMOVED)
    expect(broken).toEqual([])
    for (const { text } of OPERATIONS) expect(validate(real, parse(text)).map((error) => error.message)).toEqual([])
  })
})

describe('what a refusal means', () => {
  const tooQuickly = 'You are creating projects too quickly. This workspace allows 1 project per 30 seconds. Try again shortly.'
  test.each([
    [200, tooQuickly, 'throttled', false],
    [200, 'Whoa there pal! Only one project can be created per user every 30s. Try again in a sec', 'throttled', false],
    [200, 'Whoa there pal! You are creating volumes too quickly. Try again in a sec', 'throttled', false],
    [200, 'Service deployment rate limit exceeded', 'throttled', false],
    [429, null, 'rate_limited', false],
    [429, tooQuickly, 'rate_limited', false],
    [200, 'Not Authorized', 'auth', false],
    [200, 'Project Token not found', 'auth', false],
    [200, 'Two Factor Authentication Required', 'permanent', false],
    [401, null, 'auth', false],
    [403, null, 'auth', false],
    [200, 'Project not found', 'not_found', false],
    [200, 'Could not find environment', 'not_found', false],
    [200, 'Environment not found', 'not_found', false],
    [200, 'Deployment not found', 'permanent', false],
    [200, 'Commit not found', 'permanent', false],
    [200, 'A service named "agent" already exists in this project', 'conflict', false],
    [200, 'A volume named "data" already exists in this project', 'conflict', false],
    [200, 'Deployment is not stoppable', 'conflict', false],
    [200, 'Deployment is not restartable', 'conflict', false],
    [200, 'Cannot redeploy yet, please wait for the original deployment to finish building', 'transient', false],
    [200, 'operation is already in progress', 'transient', false],
    [200, 'Problem processing request', 'transient', true],
    [400, 'Problem processing request', 'permanent', false],
    [200, 'Invalid project name', 'permanent', false],
    [200, 'Error in numReplicas - Invalid input', 'permanent', false],
    [400, 'Cannot query field "x" on type "Project".', 'permanent', false],
    [200, null, 'transient', true],
    [502, null, 'transient', true],
    [503, null, 'transient', true],
    [522, null, 'transient', true],
    [504, 'Project not found', 'transient', true],
    [null, null, 'transient', true],
  ] as const)('%s %s', (status, message, kind, uncertain) => {
    expect(classify({ status, message })).toEqual({ kind, uncertain })
  })

  test('whatever comes back, only an answer that was understood makes a change certain not to have happened', () =>
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 200, max: 599 })), fc.option(fc.string()), (status, message) => {
        const { kind, uncertain } = classify({ status, message })
        if (status === null || status >= 500) expect({ kind, uncertain }).toEqual({ kind: 'transient', uncertain: true })
        if (uncertain) expect(kind).toBe('transient')
      }),
    ))
})

describe('the client', () => {
  let answer: { status: number; body: string; headers?: Record<string, string> }
  let asked: { url: string; authorization: string | undefined; body: unknown }
  const passed: string[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk: Buffer) => (body += chunk.toString()))
    req.on('end', () => {
      asked = { url: req.url ?? '', authorization: req.headers.authorization, body: JSON.parse(body) }
      res.writeHead(answer.status, answer.headers).end(answer.body)
    })
  })
  let url: string
  let call: ReturnType<typeof createRailwayClient>
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql/v2`
    const gate: Gate = {
      pass(operation, request) {
        passed.push(operation)
        return request()
      },
    }
    call = createRailwayClient({ url, token: 'T', gate })
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))
  const failureOf = (called: Promise<unknown>) =>
    called.then(
      () => Promise.reject(new Error('succeeded')),
      (err: unknown) => err as ProviderError,
    )
  const failure = () => failureOf(call(ProjectDelete, { id: 'p' }))

  test('names itself, its operation and nothing secret in the address, and goes through the gate', async () => {
    answer = { status: 200, body: '{"data":{"projectDelete":true}}' }
    expect(await call(ProjectDelete, { id: 'p' })).toEqual({ projectDelete: true })
    expect(asked).toMatchObject({
      url: '/graphql/v2?source=convos-agents',
      authorization: 'Bearer T',
      body: { operationName: 'ProjectDelete', variables: { id: 'p' } },
    })
    expect(passed).toEqual(['ProjectDelete'])
  })

  test('a 200 with an error is a failure, told in the words of the provider', async () => {
    answer = { status: 200, body: '{"errors":[{"message":"Not Authorized"}],"data":null}' }
    expect(await failure()).toMatchObject({ kind: 'auth', message: 'railway ProjectDelete: Not Authorized' })
  })

  test('an HTML page is judged by its status, never parsed', async () => {
    answer = { status: 429, body: '<html>1015</html>', headers: { 'retry-after': '7' } }
    expect(await failure()).toMatchObject({ kind: 'rate_limited', retryAfterMs: 7_000, uncertain: false })
    answer = { status: 502, body: '<html>' }
    expect(await failure()).toMatchObject({ kind: 'transient', uncertain: true })
    answer = { status: 200, body: '<html>' }
    expect(await failure()).toMatchObject({ kind: 'transient', uncertain: true })
  })

  test('a refusal that repeats the variables it was sent says none of them', async () => {
    const key = `0x${randomBytes(32).toString('hex')}`
    const patch = { services: { s: { variables: { PRIVATE_WALLET_KEY: { value: key } } } } }
    const echo = `Variable "$patch" got invalid value ${JSON.stringify(patch)}; Error in services - Invalid input`
    const sent = { environmentId: 'e', patch, commitMessage: null }
    for (const status of [200, 400, 500]) {
      answer = { status, body: JSON.stringify({ errors: [{ message: echo }] }) }
      const err = await failureOf(call(EnvironmentPatchCommit, sent))
      expect(inspect(err, { depth: Infinity, showHidden: true })).not.toContain(key)
      expect(err.message).toContain(err.kind)
    }
  })

  test('an answer that holds secrets and cannot be read says none of them', async () => {
    const key = `0x${randomBytes(32).toString('hex')}`
    const body = JSON.stringify({ data: { variables: { PRIVATE_WALLET_KEY: [key] } } })
    for (const status of [200, 502]) {
      answer = { status, body }
      const err = await failureOf(call(VariablesGet, { projectId: 'p', environmentId: 'e', serviceId: 's' }))
      expect(inspect(err, { depth: Infinity, showHidden: true })).not.toContain(key)
    }
  })

  test('data of another shape is a failure, never "nothing there"', async () => {
    answer = { status: 200, body: '{"data":{"project":{"id":"p"}}}' }
    expect(await failureOf(call(ProjectGet, { id: 'p' }))).toMatchObject({ kind: 'transient', uncertain: false })
  })
})
