import { describe, expect, test, vi } from 'vitest'
import { ApiError } from '../src/api/errors.ts'
import { killInstance, readStatus } from '../src/api/pool.ts'
import { readSession } from '../src/api/session.ts'
import { aProblem, aSession, aStatus } from './support/data.ts'
import { fakePool, noAnswer } from './support/fakePool.ts'

const { signal } = new AbortController()
const failureOf = async (work: Promise<unknown>): Promise<ApiError> => {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof ApiError) return error
  throw new Error('it did not fail as an ApiError', { cause: error })
}

describe('the api layer', () => {
  test('gives what the contract describes, and leaves out what it does not', async () => {
    fakePool({ 'GET /api/pool/status': () => ({ body: { ...aStatus([]), madeLater: 1 } }) })
    expect(await readStatus(signal)).toEqual(aStatus([]))
  })

  test('refuses an answer of another shape', async () => {
    fakePool({ 'GET /api/pool/status': () => ({ body: { ...aStatus([]), counts: null } }) })
    expect(await failureOf(readStatus(signal))).toMatchObject({ code: 'UNREADABLE', status: 200 })
  })

  test('carries a problem document with its request id', async () => {
    const problem = aProblem(409, 'PROTECTED', { detail: 'it is protected' })
    fakePool({ 'DELETE /api/pool/instances/a': () => ({ status: 409, body: problem }) })
    expect(await failureOf(killInstance('a'))).toMatchObject({
      code: 'PROTECTED',
      status: 409,
      detail: 'it is protected',
      requestId: 'request-1',
    })
  })

  test('takes the error page of a proxy for what it is', async () => {
    fakePool({ 'GET /api/pool/status': () => ({ status: 502, body: '<html>Bad gateway</html>' }) })
    expect(await failureOf(readStatus(signal))).toMatchObject({ code: 'FOREIGN_ANSWER', status: 502 })
  })

  test('tells silence from refusal', async () => {
    fakePool({ 'GET /api/pool/status': noAnswer })
    expect(await failureOf(readStatus(signal))).toMatchObject({ code: 'UNREACHABLE', status: null })
  })

  test('sends the session cookie to our own origin only, and writes as JSON', async () => {
    const sent = vi.fn<(url: string, init: RequestInit) => Promise<Response>>(() => Promise.resolve(Response.json(aSession())))
    vi.stubGlobal('fetch', sent)
    await readSession(signal)
    await failureOf(killInstance('a/../b'))
    expect(sent.mock.calls.map(([url, init]) => [url, init.credentials, new Headers(init.headers).get('content-type')])).toEqual([
      ['/api/session', 'same-origin', null],
      ['/api/pool/instances/a%2F..%2Fb', 'same-origin', 'application/json'],
    ])
  })
})
