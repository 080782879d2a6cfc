import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { aClaim, anInstance, aProblem, aSession, aStatus, aTemplate, sms } from './support/data.ts'
import { fakePool, heldAnswer, noAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'

const CLAIM = 'POST /api/pool/claim'
const ready = { 'GET /api/pool/status': () => ({ body: aStatus([anInstance()]) }) }
const templates = (...all: ReturnType<typeof aTemplate>[]) => ({
  'GET /api/templates': () => ({ body: { templates: all, truncated: false } }),
  'GET /api/tools': () => ({ body: { tools: [sms] } }),
})
const texter = aTemplate({ id: 'tpl_sms', agentName: 'texter', tools: [{ id: 'sms', provisioning: 'user' }] })
const claimButton = () => screen.findByRole('button', { name: /^(Claim|Wait)/ })

test('a template gives what the claimer does not say, and its choice is in the address', async () => {
  const pool = fakePool({ ...ready, ...templates(aTemplate()), [CLAIM]: () => ({ body: aClaim({ agentName: 'trip-planner' }) }) })
  const { user } = open('/')
  await user.click(await screen.findByRole('radio', { name: /^trip-planner/ }))
  await waitFor(() => expect(window.location.search).toBe('?template=tpl_1'))
  await user.click(await claimButton())
  await screen.findByRole('heading', { name: 'trip-planner is ready' })
  expect(pool.asked(CLAIM).map(({ body }) => body)).toEqual([{ templateId: 'tpl_1', waitMs: 0 }])
})

test('many templates can be searched; the chosen one stays in sight', async () => {
  const many = ['one', 'two', 'three', 'four', 'five', 'six'].map((agentName) => aTemplate({ id: agentName, agentName }))
  fakePool({ ...ready, ...templates(...many) })
  const { user } = open('/?template=two')
  const search = await screen.findByRole('searchbox', { name: 'Search templates' })
  await user.type(search, 'five')
  const names = () =>
    screen.getAllByRole('radio').map((radio) => radio.closest('label')?.querySelector('.template-name')?.textContent)
  expect(names()).toEqual(['Write your own', 'two', 'five'])
  await user.type(search, 'x')
  screen.getByText('No template holds “fivex”.')
})

test('a tool of the claimer asks for what its schema asks for, and sends nothing before that holds', async () => {
  const pool = fakePool({ ...ready, ...templates(texter), [CLAIM]: () => ({ body: aClaim() }) })
  const { user } = open('/?template=tpl_sms')
  const phone = await screen.findByRole('textbox', { name: 'Telnyx phone' })
  await user.type(phone, '12345')
  await user.click(await claimButton())
  expect(phone.getAttribute('aria-invalid')).toBe('true')
  expect(screen.getByRole('textbox', { name: 'Telnyx API key' }).getAttribute('aria-invalid')).toBe('true')
  expect(pool.asked(CLAIM)).toEqual([])

  await user.clear(phone)
  await user.type(phone, '+13125550123')
  await user.type(screen.getByRole('textbox', { name: 'Telnyx API key' }), 'the-secret')
  await user.click(await claimButton())
  await screen.findByRole('link', { name: 'Open in Convos' })
  const userConfig = { sms: { telnyxApiKey: 'the-secret', telnyxPhone: '+13125550123' } }
  expect(pool.asked(CLAIM).map(({ body }) => body)).toEqual([{ templateId: 'tpl_sms', userConfig, waitMs: 0 }])
})

test('credentials are in no storage of the browser, and a reload says that they are gone', async () => {
  const { handler } = heldAnswer()
  fakePool({ ...ready, ...templates(texter), [CLAIM]: handler })
  const { user, reload } = open('/?template=tpl_sms')
  await user.type(await screen.findByRole('textbox', { name: 'Telnyx API key' }), 'the-secret')
  await user.type(screen.getByRole('textbox', { name: 'Telnyx phone' }), '+13125550123')
  await user.click(await claimButton())
  await screen.findByRole('heading', { name: 'Claiming texter' })
  expect(JSON.stringify([sessionStorage, localStorage])).not.toContain('the-secret')
  expect(JSON.stringify([sessionStorage, localStorage])).toContain('tpl_sms')

  reload()
  expect((await screen.findByRole('alert')).textContent).toContain('Credentials are kept nowhere')
})

test('credentials that a provider refuses are said beside their field, and stay typed', async () => {
  const errors = [{ path: 'userConfig.sms.telnyxPhone', message: 'the account of this API key does not have this number' }]
  fakePool({
    ...ready,
    ...templates(texter),
    [CLAIM]: () => ({ status: 422, body: aProblem(422, 'USER_CONFIG_REJECTED', { errors }) }),
  })
  const { user } = open('/?template=tpl_sms')
  await user.type(await screen.findByRole('textbox', { name: 'Telnyx API key' }), 'the-secret')
  await user.type(screen.getByRole('textbox', { name: 'Telnyx phone' }), '+13125550123')
  await user.click(await claimButton())
  await screen.findByText('The account of this API key does not have this number.')
  expect(screen.getByRole('textbox', { name: 'Telnyx phone' })).toHaveProperty('value', '+13125550123')
})

test('an invite of another network is explained while it is typed', async () => {
  fakePool({ ...ready, 'GET /api/session': () => ({ body: aSession({ environment: 'staging' }) }) })
  const { user } = open('/')
  await user.click(await screen.findByText('Join a conversation'))
  const field = screen.getByRole('textbox', { name: 'Invite link' })
  await user.click(field)
  await user.paste('https://popup.convos.org/v2?i=abc')
  screen.getByText(/of the production network of Convos/)
  await user.clear(field)
  await user.paste('https://dev.convos.org/v2?i=abc')
  screen.getByText(/An invite of dev\.convos\.org/)
})

test('while pool has not answered, the stream tells the steps and the place in the queue', async () => {
  const { handler, release } = heldAnswer()
  const now = new Date().toISOString()
  const queued = aClaim({
    claimId: 'clm_9',
    status: 'queued',
    agentName: 'Assistant',
    createdAt: now,
    finishedAt: null,
    inviteUrl: null,
    steps: [{ name: 'queued', state: 'running', startedAt: now, ms: null }],
  })
  const pool = fakePool({
    [CLAIM]: handler,
    'GET /api/pool/claims/clm_9': () => ({ body: { ...queued, queue: { position: 3, etaSeconds: 40 } } }),
  })
  const { user } = open('/')
  await user.click(await screen.findByRole('button', { name: 'Wait for an agent' }))
  await screen.findByRole('heading', { name: 'Claiming Assistant' })
  act(() => pool.tell({ event: 'claim', data: queued }))
  await screen.findByText('2 ahead of you, about 40 s to go.')
  const steps = [{ name: 'queued' as const, state: 'done' as const, startedAt: now, ms: 1200 }]
  act(() => pool.tell({ event: 'claim', data: { ...queued, status: 'running', steps } }))
  const taken = (await screen.findByText('1.2 s')).closest('li') ?? document.body
  within(taken).getByText('Take a ready agent')
  release({ body: aClaim() })
  await screen.findByRole('link', { name: 'Open in Convos' })
})

test('a refused claim is made again by its button alone', async () => {
  const pool = fakePool({
    ...ready,
    [CLAIM]: () => ({ status: 429, body: aProblem(429, 'RATE_LIMITED'), headers: { 'retry-after': '30' } }),
  })
  const { user } = open('/')
  await user.click(await claimButton())
  expect((await screen.findByRole('alert')).textContent).toContain('wait 30 s')
  pool.on('GET /api/pool/events', noAnswer)
  pool.cutOff()
  await user.click(await screen.findByRole('button', { name: 'Try now' }))
  fireEvent(window, new Event('visibilitychange'))
  fireEvent(window, new Event('focus'))
  await screen.findByRole('button', { name: 'Try now' })
  expect(pool.asked(CLAIM)).toHaveLength(1)
})

test('a session that ends in the middle of a claim leads to the login and back to the very same claim', async () => {
  const signedOut = () => ({ status: 401, body: aProblem(401, 'UNAUTHORIZED') })
  const pool = fakePool({ ...ready, [CLAIM]: signedOut, 'POST /api/session': () => ({ body: aSession() }) })
  const { user } = open('/')
  await user.type(await screen.findByRole('textbox', { name: 'Agent name' }), 'tokyo')
  await user.click(await claimButton())
  const key = await screen.findByRole('textbox', { name: 'API key' })
  pool.on(CLAIM, () => ({ body: aClaim({ agentName: 'tokyo' }) }))
  await user.type(key, 'the-key')
  await user.click(screen.getByRole('button', { name: 'Log in' }))
  await screen.findByRole('heading', { name: 'tokyo is ready' })
  expect(new Set(pool.asked(CLAIM).map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1)
})

test('an agent that was claimed before is found again in the list of claims', async () => {
  fakePool({ ...ready, [CLAIM]: () => ({ body: aClaim() }), 'GET /api/pool/claims/clm_1': () => ({ body: aClaim() }) })
  const { user } = open('/')
  await user.click(await claimButton())
  await user.click(await screen.findByRole('button', { name: 'Claim another' }))
  await user.click(await screen.findByRole('link', { name: 'tokyo-trip-planner' }))
  await screen.findByRole('heading', { name: 'tokyo-trip-planner is ready' })
  expect(window.location.search).toBe('?claim=clm_1')
  await user.click(screen.getByRole('button', { name: 'Claim another' }))
  await claimButton()
})
