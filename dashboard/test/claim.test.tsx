import { screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { aClaim, anInstance, aProblem, aSession, aStatus } from './support/data.ts'
import { fakePool, heldAnswer, noAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'

const CLAIM = 'POST /api/pool/claim'
const GIVE_UP = 'DELETE /api/pool/claims/clm_1'
const threeReady = () => ({ body: aStatus(['a', 'b', 'c'].map((id) => anInstance({ id }))) })
const claimButton = () => screen.findByRole('button', { name: /^Claim agent/ })

test('a claimer names an agent, claims it, and gets a link to it', async () => {
  const pool = fakePool({ 'GET /api/pool/status': threeReady, [CLAIM]: () => ({ body: aClaim() }) })
  const { user } = open('/')
  await user.type(await screen.findByRole('textbox', { name: 'Agent name' }), 'tokyo-trip-planner')
  await user.type(screen.getByRole('textbox', { name: 'Instructions' }), 'You plan trips.')
  await user.click(await screen.findByRole('button', { name: 'Claim agent — 3 ready' }))

  expect(await screen.findByRole('heading', { name: 'tokyo-trip-planner is ready' })).toHaveProperty('tagName', 'H1')
  expect(screen.getByRole('link', { name: 'Open in Convos' }).getAttribute('href')).toBe('https://dev.convos.org/v2?i=abc')
  const code = await screen.findByRole('img', { name: /QR code/ })
  expect(code.querySelector('path')?.getAttribute('d')).toMatch(/^M\d/)
  await user.click(screen.getByRole('button', { name: 'Copy link' }))
  expect(await navigator.clipboard.readText()).toBe('https://dev.convos.org/v2?i=abc')
  expect(pool.asked(CLAIM).map(({ body }) => body)).toEqual([
    { agentName: 'tokyo-trip-planner', instructions: 'You plan trips.', waitMs: 0 },
  ])
})

test('the gateway token is masked until it is asked for', async () => {
  fakePool({ 'GET /api/pool/status': threeReady, [CLAIM]: () => ({ body: aClaim() }) })
  const { user } = open('/')
  await user.click(await claimButton())
  await user.click(await screen.findByText('Show gateway details'))
  expect(document.body.textContent).not.toContain('the-gateway-token')
  await user.click(screen.getByRole('button', { name: 'Show token' }))
  expect(document.body.textContent).toContain('the-gateway-token')
})

test('a double click claims one agent', async () => {
  const { handler, release } = heldAnswer()
  const pool = fakePool({ 'GET /api/pool/status': threeReady, [CLAIM]: handler })
  const { user } = open('/')
  await user.dblClick(await claimButton())
  release({ body: aClaim() })
  await screen.findByRole('link', { name: 'Open in Convos' })
  expect(pool.asked(CLAIM)).toHaveLength(1)
})

test('with nobody ready the button offers to wait, and the claim waits a minute', async () => {
  const pool = fakePool({ [CLAIM]: () => ({ body: aClaim() }) })
  const { user } = open('/')
  await user.click(await screen.findByRole('button', { name: 'Wait for an agent' }))
  await screen.findByRole('link', { name: 'Open in Convos' })
  expect(pool.asked(CLAIM)[0]?.body).toEqual({ waitMs: 60_000 })
})

test('an empty pool says what to do, keeps the text, and lets the next attempt be another claim', async () => {
  const empty = aProblem(503, 'POOL_EMPTY', { detail: 'no instance is ready', etaSeconds: 40 })
  const pool = fakePool({ 'GET /api/pool/status': threeReady, [CLAIM]: () => ({ status: 503, body: empty }) })
  const { user } = open('/')
  await user.type(await screen.findByRole('textbox', { name: 'Agent name' }), 'tokyo')
  await user.click(await claimButton())

  const problem = await screen.findByRole('alert')
  expect(problem.textContent).toContain('No agent was ready.')
  expect(problem.textContent).toContain('expected in about 40 s')
  expect(problem.textContent).toContain('request-1')
  expect(screen.getByRole('textbox', { name: 'Agent name' })).toHaveProperty('value', 'tokyo')

  await user.click(await claimButton())
  await waitFor(() => expect(pool.asked(CLAIM)).toHaveLength(2))
  const keys = pool.asked(CLAIM).map(({ headers }) => headers.get('idempotency-key'))
  expect(new Set(keys).size).toBe(2)
})

test('what the contract does not allow is said beside its field, and nothing is sent', async () => {
  const pool = fakePool({ 'GET /api/pool/status': threeReady })
  const { user } = open('/')
  const name = await screen.findByRole('textbox', { name: 'Agent name' })
  await user.click(name)
  await user.paste('x'.repeat(65))
  await user.click(await claimButton())
  expect(name.getAttribute('aria-invalid')).toBe('true')
  expect(describedBy(name)).toContain('At most 64 characters.')
  expect(document.activeElement).toBe(name)
  expect(pool.asked(CLAIM)).toEqual([])
})

test('what pool refuses is said beside its field', async () => {
  const errors = [{ path: 'instructions', message: 'must not be blank' }]
  fakePool({
    'GET /api/pool/status': threeReady,
    [CLAIM]: () => ({ status: 400, body: aProblem(400, 'INVALID_REQUEST', { errors }) }),
  })
  const { user } = open('/')
  await user.click(await claimButton())
  const field = await screen.findByRole('textbox', { name: 'Instructions' })
  await waitFor(() => expect(describedBy(field)).toContain('Must not be blank.'))
})

test('an invite that pool does not take is said beside the invite', async () => {
  fakePool({
    'GET /api/pool/status': threeReady,
    [CLAIM]: () => ({ status: 400, body: aProblem(400, 'WRONG_NETWORK') }),
  })
  const { user } = open('/')
  await user.click(await screen.findByText('Join a conversation'))
  await user.type(screen.getByRole('textbox', { name: 'Invite link' }), 'https://popup.convos.org/v2?i=abc')
  await user.click(await claimButton())
  await screen.findByRole('alert')
  const field = screen.getByRole('textbox', { name: 'Invite link' })
  expect(describedBy(field)).toContain('another Convos network')
  await user.clear(field)
  expect(describedBy(field)).not.toContain('another Convos network')
  expect(field.getAttribute('aria-invalid')).not.toBe('true')
})

test('a reload in the middle of a claim finds its result under the same key', async () => {
  const { handler, release } = heldAnswer()
  const pool = fakePool({ 'GET /api/pool/status': threeReady, [CLAIM]: handler })
  const { user, reload } = open('/')
  await user.type(await screen.findByRole('textbox', { name: 'Agent name' }), 'tokyo')
  await user.click(await claimButton())
  await screen.findByRole('heading', { name: 'Claiming tokyo' })

  reload()
  await waitFor(() => expect(pool.asked(CLAIM)).toHaveLength(2))
  release({ body: aClaim({ agentName: 'tokyo' }) })
  await screen.findByRole('heading', { name: 'tokyo is ready' })
  const [first, second] = pool.asked(CLAIM)
  expect(second?.headers.get('idempotency-key')).toBe(first?.headers.get('idempotency-key'))
  expect(second?.body).toEqual(first?.body)
})

test('after "Claim another" a reload asks for nothing', async () => {
  const pool = fakePool({ 'GET /api/pool/status': threeReady, [CLAIM]: () => ({ body: aClaim() }) })
  const { user, reload } = open('/')
  await user.click(await claimButton())
  await user.click(await screen.findByRole('button', { name: 'Claim another' }))
  reload()
  await claimButton()
  expect(pool.asked(CLAIM)).toHaveLength(1)
})

test('when the answer is lost the same claim is asked for again', async () => {
  const pool = fakePool({ 'GET /api/pool/status': threeReady, [CLAIM]: noAnswer })
  const { user } = open('/')
  await user.click(await claimButton())
  await screen.findByText(/it stays one claim/)
  pool.on(CLAIM, () => ({ body: aClaim() }))
  await screen.findByRole('link', { name: 'Open in Convos' })
  expect(new Set(pool.asked(CLAIM).map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1)
})

test('a claim that waits to be let in is followed until it is', async () => {
  const pending = aClaim({
    status: 'pending',
    steps: [{ name: 'configure', state: 'done', startedAt: '2030-01-01T00:00:00.000Z', ms: 310 }],
  })
  const pool = fakePool({
    'GET /api/pool/status': threeReady,
    [CLAIM]: () => ({ status: 202, body: pending }),
    'GET /api/pool/claims/clm_1': () => ({ body: pending }),
  })
  const { user } = open('/')
  await user.click(await screen.findByText('Join a conversation'))
  await user.type(screen.getByRole('textbox', { name: 'Invite link' }), 'https://dev.convos.org/v2?i=abc')
  await user.click(await claimButton())
  await screen.findByText(/Someone in the conversation has to let it in/)
  expect(
    within(screen.getByText('Give it its name and instructions').closest('li') ?? document.body).getByText('310 ms'),
  ).toBeTruthy()
  pool.on('GET /api/pool/claims/clm_1', () => ({ body: aClaim({ joined: true, inviteUrl: null }) }))
  await screen.findByText('It has joined the conversation.')
})

test('an agent is ended by its claimer, once that was asked', async () => {
  const pool = fakePool({
    'GET /api/pool/status': threeReady,
    [CLAIM]: () => ({ body: aClaim({ agentName: 'tokyo' }) }),
    [GIVE_UP]: () => ({ status: 409, body: aProblem(409, 'PROTECTED', { detail: 'the instance is protected' }) }),
  })
  const { user } = open('/')
  await user.click(await claimButton())
  await user.click(await screen.findByRole('button', { name: 'End agent' }))
  const dialog = within(await screen.findByRole('dialog', { name: 'End tokyo?' }))
  expect(pool.asked(GIVE_UP)).toEqual([])
  await user.click(dialog.getByRole('button', { name: 'End agent' }))
  await dialog.findByText('The instance is protected.')
  pool.on(GIVE_UP, () => ({ body: aClaim({ status: 'ended' }) }))
  await user.click(dialog.getByRole('button', { name: 'End agent' }))
  await claimButton()
  expect(screen.queryByRole('dialog')).toBeNull()
  await user.click(screen.getByRole('link', { name: 'tokyo' }))
  await screen.findByText('This agent has ended since.')
})

test('a claim that waits to be let in is taken back', async () => {
  const pending = aClaim({ status: 'pending' })
  const pool = fakePool({
    'GET /api/pool/status': threeReady,
    [CLAIM]: () => ({ status: 202, body: pending }),
    'GET /api/pool/claims/clm_1': () => ({ body: pending }),
    [GIVE_UP]: () => ({ body: aClaim({ status: 'cancelled' }) }),
  })
  const { user } = open('/')
  await user.click(await claimButton())
  await user.click(await screen.findByRole('button', { name: 'Cancel claim' }))
  await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Cancel claim' }))
  await claimButton()
  expect(pool.asked(GIVE_UP)).toHaveLength(1)
})

const asClaimer = {
  'GET /api/session': () => ({ body: aSession({ role: 'claimer' }) }),
  'GET /api/pool/counts': () => ({ body: { provisioning: 0, idle: 2, claimed: 7, crashed: 0, stuck: 0 } }),
}

test('a claimer sees the figures, and no page of operators in the navigation', async () => {
  fakePool(asClaimer)
  open('/')
  await screen.findByRole('button', { name: 'Claim agent — 2 ready' })
  expect(screen.queryByRole('link', { name: 'Pool' })).toBeNull()
})

test('a claimer who goes to a page of operators is told that it is theirs', async () => {
  fakePool(asClaimer)
  open('/pool')
  await screen.findByRole('heading', { name: 'This page is for operators.' })
})

const describedBy = (element: HTMLElement): string =>
  (element.getAttribute('aria-describedby') ?? '')
    .split(' ')
    .map((id) => document.getElementById(id)?.textContent ?? '')
    .join(' ')
