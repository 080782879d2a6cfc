import { screen, waitFor, within } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { anInstance, aProblem, aSession, aStatus } from './support/data.ts'
import { fakePool, type Handler, noAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'

type User = ReturnType<typeof open>['user']

interface Page {
  address: string
  /** The main act of the page, as the API has it. */
  act: string
  perform: (user: User) => Promise<void>
  /** It is asked for again by itself until it is answered: repeated, it is the same act. */
  repeats: boolean
}

const press = async (user: User, name: string | RegExp) => user.click(await screen.findByRole('button', { name }))
const confirm = async (user: User, name: string) =>
  user.click(within(await screen.findByRole('dialog')).getByRole('button', { name }))

const PAGES: Record<string, Page> = {
  Claim: {
    address: '/?template=',
    act: 'POST /api/pool/claim',
    perform: async (user) => {
      await user.type(await screen.findByRole('textbox', { name: 'Agent name' }), 'tokyo')
      await press(user, /^Claim agent/)
    },
    repeats: true,
  },
  Fleet: {
    address: '/instances?q=aaa&open=aaa',
    act: 'DELETE /api/pool/instances/aaa',
    perform: async (user) => {
      await press(user, 'Kill')
      await confirm(user, 'Kill instance')
    },
    repeats: false,
  },
  'Pool, replenishing': {
    address: '/pool?window=24h',
    act: 'POST /api/pool/replenish',
    perform: (user) => press(user, 'Replenish'),
    repeats: false,
  },
  'Pool, draining': {
    address: '/pool?window=24h',
    act: 'POST /api/pool/drain',
    perform: async (user) => {
      await press(user, 'Drain…')
      await press(user, 'Drain 1 instance')
      await confirm(user, 'Drain 1 instance')
    },
    repeats: false,
  },
  Templates: {
    address: '/templates?open=new',
    act: 'POST /api/templates',
    perform: async (user) => {
      await user.type(await screen.findByRole('textbox', { name: 'Name' }), 'tokyo')
      await press(user, /^(Create|Save)/)
    },
    repeats: false,
  },
  Settings: {
    address: '/settings?new=key',
    act: 'POST /api/keys',
    perform: async (user) => {
      await user.type(await screen.findByRole('textbox', { name: 'Name' }), 'website')
      await press(user, 'Make key')
    },
    repeats: false,
  },
}

const one = anInstance({ id: 'aaa' })

function aPoolThat(act: string, handler: Handler) {
  return fakePool({
    'GET /api/pool/status': () => ({ body: aStatus([one]) }),
    'GET /api/pool/instances': () => ({ body: { instances: [one], nextCursor: null } }),
    'GET /api/pool/instances/aaa': () => ({ body: { ...one, events: [] } }),
    'GET /api/keys': () => ({ body: { keys: [] } }),
    'GET /api/pool/stats': () => ({ body: { window: '24h', stepSeconds: 300, points: [] } }),
    [act]: handler,
  })
}

/** What is said in all alerts of the page. */
const said = async () => (await screen.findAllByRole('alert')).map(({ textContent }) => textContent).join(' ')

describe.each(Object.entries(PAGES))('%s', (_name, { address, act, perform, repeats }) => {
  test('403: the key does not allow it', async () => {
    aPoolThat(act, () => ({ status: 403, body: aProblem(403, 'FORBIDDEN') }))
    await perform(open(address).user)
    expect(await said()).toContain('Your key does not allow this.')
  })

  test('409: why not, in the words of the pool, with the request id', async () => {
    aPoolThat(act, () => ({ status: 409, body: aProblem(409, 'CHANGED', { detail: 'it has changed meanwhile' }) }))
    await perform(open(address).user)
    expect(await said()).toMatch(/The pool refused\..*It has changed meanwhile\..*request-1/)
  })

  test('429: how long to wait, counted down', async () => {
    aPoolThat(act, () => ({ status: 429, body: aProblem(429, 'RATE_LIMITED'), headers: { 'retry-after': '2' } }))
    await perform(open(address).user)
    await screen.findByText('It asks us to wait 2 s.')
    await screen.findByText('It asks us to wait 1 s.')
    await screen.findByText('The wait is over: try again.')
  })

  test('a page of somebody in between, in place of an answer', async () => {
    aPoolThat(act, () => ({ status: 403, body: '<html>Forbidden by the corporate proxy</html>' }))
    await perform(open(address).user)
    expect(await said()).toContain('Something between you and the pool answered in its place.')
  })

  test('401: to the login, and back to where one was, with what was typed', async () => {
    const pool = aPoolThat(act, () => ({ status: 401, body: aProblem(401, 'UNAUTHORIZED') }))
    pool.on('POST /api/session', () => ({ body: aSession() }))
    const { user } = open(address)
    await perform(user)
    await user.type(await screen.findByRole('textbox', { name: 'API key' }), 'the-key')
    pool.on(act, () => ({ status: 409, body: aProblem(409, 'CHANGED') }))
    await press(user, 'Log in')
    const { pathname, search } = new URL(address, window.location.href)
    await waitFor(() => expect(window.location.pathname).toBe(pathname))
    for (const [name, value] of new URLSearchParams(search))
      expect(new URLSearchParams(window.location.search).get(name) ?? '').toBe(value)
    if (repeats) expect(await screen.findByDisplayValue('tokyo')).toBeTruthy()
  })

  describe('without a verdict', () => {
    beforeEach(() => {
      vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
        const deadline = new AbortController()
        setTimeout(() => deadline.abort(new DOMException('too late', 'TimeoutError')), 50)
        return deadline.signal
      })
    })
    afterEach(() => vi.restoreAllMocks())

    const failures = {
      '500: it failed': () => ({ status: 500, body: aProblem(500, 'INTERNAL') }),
      'nobody answers': noAnswer,
      'the answer does not come': () => new Promise<never>(() => {}),
    }
    test.each(Object.entries(failures))('%s: it may have taken effect', async (_what, handler) => {
      const pool = aPoolThat(act, handler)
      await perform(open(address).user)
      expect(await said()).toMatch(repeats ? /it stays one claim/ : /It may have taken effect all the same/)
      if (!repeats) expect(pool.asked(act)).toHaveLength(1)
    })
  })
})
