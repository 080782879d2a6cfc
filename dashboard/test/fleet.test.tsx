import type { Instance, Operation } from '@convos/pool/contract'
import { screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { anEvent, anInstance, anOperation, aProblem, aSession, aStatus } from './support/data.ts'
import { fakePool } from './support/fakePool.ts'
import { open } from './support/open.tsx'

const LIST = 'GET /api/pool/instances'
const DRAIN = 'POST /api/pool/drain'

const page = (instances: Instance[], nextCursor: string | null = null) => ({ body: { instances, nextCursor } })
const many = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => {
    const createdAt = new Date(Date.parse('2030-01-01') - (from + index) * 1000).toISOString()
    return anInstance({ id: `i${from + index}`, createdAt })
  })
const ready = anInstance({ id: 'aaa' })
const claimed = anInstance({ id: 'bbb', status: 'claimed', agentName: 'tokyo', createdAt: '2029-12-31T00:00:00.000Z' })

const table = () => screen.findByRole('table', { name: 'Instances' })
const names = async () => within(await table()).queryAllByRole('link')
const select = (name: string) => screen.findByRole('checkbox', { name: `Select ${name}` })
const params = () => new URLSearchParams(window.location.search)

/** A pool with these instances, each of which can be looked at. */
function aPoolOf(instances: Instance[], routes: Parameters<typeof fakePool>[0] = {}) {
  const each = instances.map((one) => [
    `GET /api/pool/instances/${one.id}`,
    () => ({ body: { ...one, events: [anEvent({ instanceId: one.id })] } }),
  ])
  return fakePool({
    'GET /api/pool/status': () => ({ body: aStatus(instances) }),
    [LIST]: () => page(instances),
    ...Object.fromEntries(each),
    ...routes,
  })
}

test('only the rows in sight exist, and the next page waits until it is scrolled to', async () => {
  const pool = fakePool({
    [LIST]: ({ path }) => (path.includes('cursor=') ? page(many(200, 200)) : page(many(0, 200), 'second')),
  })
  open('/instances')
  await waitFor(async () => expect((await names()).length).toBeGreaterThan(10))
  expect((await names()).length).toBeLessThan(60)
  expect((await table()).getAttribute('aria-rowcount')).toBe('-1')
  expect(pool.asked(LIST).filter(({ path }) => path.includes('cursor='))).toEqual([])
  screen.getByText('200+ shown')
})

test('filters, search and sort are asked of the API, and live in the address', async () => {
  const pool = aPoolOf([ready, claimed])
  const { user } = open('/instances?status=claimed')
  await names()
  await user.click(await screen.findByRole('button', { name: /^stuck/ }))
  await user.click(screen.getByRole('button', { name: 'Name' }))
  await user.type(screen.getByRole('searchbox', { name: 'Search instances' }), 'tok')
  await waitFor(() => {
    const asked = new URLSearchParams(pool.asked(LIST).at(-1)?.path.split('?')[1])
    expect(asked.getAll('status')).toEqual(['claimed', 'stuck'])
    expect([asked.get('text'), asked.get('sort'), asked.get('order')]).toEqual(['tok', 'agentName', 'asc'])
  })
  expect(Object.fromEntries(params())).toEqual({ status: 'claimed,stuck', q: 'tok', sort: 'agentName', order: 'asc' })
})

test('a row changes in place, leaves when it does not pass any more, and newcomers come in at their place', async () => {
  const pool = aPoolOf([ready])
  open('/instances?status=ready')
  await waitFor(async () => expect(await names()).toHaveLength(1))
  await screen.findByText('live', { exact: false })
  pool.tell({ event: 'instance', data: anInstance({ id: 'new', createdAt: '2031-01-01T00:00:00.000Z' }) })
  await waitFor(async () => expect((await names()).map((one) => one.textContent)).toEqual(['new', 'aaa']))
  pool.tell({ event: 'instance', data: anInstance({ id: 'new', status: 'claiming' }) })
  await waitFor(async () => expect((await names()).map((one) => one.textContent)).toEqual(['aaa']))
})

test('a bulk drain says what will happen, asks, and shows its progress until it ends', async () => {
  const pool = aPoolOf([ready, claimed], {
    [DRAIN]: () => ({ status: 202, body: anOperation({ total: 1 }) }),
    'GET /api/pool/operations/op_1': () => ({ body: anOperation({ total: 1 }) }),
  })
  const { user } = open('/instances')
  await user.click(await select('aaa'))
  await user.click(await select('tokyo'))
  await screen.findByText('Drain 1 ready, 1 claimed will be skipped')
  await user.click(screen.getByRole('button', { name: 'Drain 1' }))
  const dialog = await screen.findByRole('dialog', { name: 'Drain aaa?' })
  within(dialog).getByText('1 skipped: only ready or starting instances can be drained.')
  expect(pool.asked(DRAIN)).toEqual([])

  await user.click(within(dialog).getByRole('button', { name: 'Drain instance' }))
  const work = within(await screen.findByRole('region', { name: 'Operations' }))
  await work.findByText('0 of 1')
  expect(pool.asked(DRAIN).map(({ body }) => body)).toEqual([{ ids: ['aaa'] }])
  pool.tell({ event: 'operation', data: anOperation({ total: 1, done: 1, state: 'done' }) })
  await work.findByText('done, 1 of 1')
  expect(screen.queryByRole('region', { name: 'Selection' })).toBeNull()
})

test('in a bulk kill one that is refused says why, and the others go on', async () => {
  const other = anInstance({ id: 'ccc' })
  aPoolOf([ready, other], {
    'DELETE /api/pool/instances/aaa': () => ({
      status: 409,
      body: aProblem(409, 'CHANGED', { detail: 'it has changed meanwhile' }),
    }),
    'DELETE /api/pool/instances/ccc': () => ({
      status: 202,
      body: anOperation({ kind: 'kill', total: 1, done: 1, state: 'done' }),
    }),
  })
  const { user } = open('/instances')
  await user.click(await screen.findByRole('checkbox', { name: 'Select all that are loaded' }))
  await user.click(await screen.findByRole('button', { name: 'Kill 2' }))
  await user.click(await screen.findByRole('button', { name: 'Kill 2 instances' }))
  const work = within(await screen.findByRole('region', { name: 'Operations' }))
  await work.findByText('ended, 1 of 2, 1 failed')
  expect(work.getByRole('alert').textContent).toContain('It has changed meanwhile.')
  work.getByText('aaa')
})

const KILL = 'DELETE /api/pool/instances/bbb'

test('a kill is asked about first, naming what it does, and a double click kills once', async () => {
  const killing = (parts: Partial<Operation> = {}) => anOperation({ kind: 'kill', total: 1, ...parts })
  const pool = aPoolOf([claimed], {
    [KILL]: () => ({ status: 202, body: killing() }),
    'GET /api/pool/operations/op_1': () => ({ body: killing({ done: 1, state: 'done' }) }),
  })
  const { user } = open('/instances?open=bbb')
  await user.click(await screen.findByRole('button', { name: 'Kill' }))
  const dialog = await screen.findByRole('dialog', { name: 'Kill tokyo?' })
  expect(dialog.textContent).toContain('Someone is using it.')
  await user.click(within(dialog).getByRole('button', { name: 'Keep it' }))
  expect(screen.queryByRole('dialog', { name: 'Kill tokyo?' })).toBeNull()
  expect(pool.asked(KILL)).toEqual([])

  await user.click(screen.getByRole('button', { name: 'Kill' }))
  await user.dblClick(await screen.findByRole('button', { name: 'Kill instance' }))
  await within(await screen.findByRole('region', { name: 'Operations' })).findByText('done, 1 of 1')
  expect(pool.asked(KILL)).toHaveLength(1)
})

test('going back from an open panel leads to the list', async () => {
  aPoolOf([ready, claimed])
  const { user } = open('/instances?status=claimed')
  await user.click(await screen.findByRole('link', { name: /^tokyo/ }))
  await screen.findByRole('dialog', { name: 'tokyo' })
  expect(params().get('open')).toBe('bbb')
  window.history.back()
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(params().get('status')).toBe('claimed')
  await names()
})

test('a bulk kill says of every status what it does, and in production names them once more', async () => {
  const stuck = anInstance({ id: 'ccc', status: 'stuck' })
  aPoolOf([ready, claimed, stuck], { 'GET /api/session': () => ({ body: aSession({ environment: 'production' }) }) })
  const { user } = open('/instances')
  await user.click(await screen.findByRole('checkbox', { name: 'Select all that are loaded' }))
  await user.click(await screen.findByRole('button', { name: 'Kill 3' }))
  const dialog = await screen.findByRole('dialog', { name: 'Kill 3 instances?' })
  expect(dialog.textContent).toMatch(/ready, stuck: Nobody’s data/)
  expect(dialog.textContent).toMatch(/claimed: Someone is using it/)
  await user.click(within(dialog).getByRole('button', { name: 'Kill 3 instances…' }))
  const once = within(dialog)
    .getByRole('status')
    .textContent.replaceAll(/[\u2068\u2069]/g, '')
  expect(once).toBe('This is production. Once more: kill 3 instances, aaa, tokyo, ccc?')
})

test('many that are refused for the same reason are told of once', async () => {
  const refused = () => ({ status: 403, body: aProblem(403, 'FORBIDDEN') })
  aPoolOf([ready, claimed], { 'DELETE /api/pool/instances/aaa': refused, [KILL]: refused })
  const { user } = open('/instances')
  await user.click(await screen.findByRole('checkbox', { name: 'Select all that are loaded' }))
  await user.click(await screen.findByRole('button', { name: 'Kill 2' }))
  await user.click(await screen.findByRole('button', { name: 'Kill 2 instances' }))
  const work = within(await screen.findByRole('region', { name: 'Operations' }))
  await work.findByText('ended, 0 of 2, 2 failed')
  expect(work.getAllByRole('alert')).toHaveLength(1)
  work.getByText('aaa, bbb')
})

test.each([
  [{ status: 'deleting' as const }, 'it is already being deleted'],
  [{ protected: true }, 'it is protected'],
])('an instance that is %o cannot be killed, and says why', async (parts, why) => {
  const pool = aPoolOf([anInstance({ id: 'bbb', ...parts })])
  const { user } = open('/instances?open=bbb')
  const kill = await screen.findByRole('button', { name: 'Kill' })
  expect(document.getElementById(kill.getAttribute('aria-describedby') ?? '')?.textContent).toBe(why)
  await user.click(kill)
  expect(screen.queryByRole('dialog', { name: /^Kill/ })).toBeNull()
  expect(pool.asked(KILL)).toEqual([])
})

test('what has become impossible while it was asked about is not done', async () => {
  const pool = aPoolOf([claimed])
  const { user } = open('/instances?open=bbb')
  await screen.findByText('live', { exact: false })
  await user.click(await screen.findByRole('button', { name: 'Kill' }))
  await screen.findByRole('dialog', { name: 'Kill tokyo?' })
  pool.tell({ event: 'instance', data: anInstance({ ...claimed, status: 'deleting', actions: { kill: 'it is going' } }) })
  await screen.findByText('Nothing is done: it is going.')
  expect(pool.asked(KILL)).toEqual([])
})

test('production asks twice, naming the thing', async () => {
  const pool = aPoolOf([claimed], {
    'GET /api/session': () => ({ body: aSession({ environment: 'production' }) }),
    'DELETE /api/pool/instances/bbb': () => ({ status: 202, body: anOperation({ kind: 'kill' }) }),
    'GET /api/pool/operations/op_1': () => ({ body: anOperation({ kind: 'kill' }) }),
  })
  const { user } = open('/instances?open=bbb')
  await user.click(await screen.findByRole('button', { name: 'Kill' }))
  const dialog = within(await screen.findByRole('dialog', { name: 'Kill tokyo?' }))
  await user.click(dialog.getByRole('button', { name: 'Kill instance…' }))
  expect(pool.asked('DELETE /api/pool/instances/bbb')).toEqual([])
  expect((await dialog.findByText(/This is production/)).textContent).toContain('tokyo')
  await user.click(dialog.getByRole('button', { name: 'Kill instance in production' }))
  await waitFor(() => expect(pool.asked('DELETE /api/pool/instances/bbb')).toHaveLength(1))
})

test('a link opens the panel with its tab; impossible acts say why', async () => {
  aPoolOf([ready], {
    'GET /api/pool/instances/aaa/logs': () => ({
      body: { deploymentId: 'dep_1', lines: [{ at: '2030-01-01T00:00:00Z', severity: 'info', message: 'listening' }] },
    }),
  })
  open('/instances?open=aaa&tab=logs')
  await screen.findByText(/listening/)
  expect(screen.getByRole('tab', { name: 'Logs' }).getAttribute('aria-selected')).toBe('true')
  const clone = screen.getByRole('button', { name: 'Clone' })
  expect(clone.getAttribute('aria-disabled')).toBe('true')
  expect(document.getElementById(clone.getAttribute('aria-describedby') ?? '')?.textContent).toBe(
    'only claimed or crashed instances can be cloned',
  )
})

test('the panel is kept fresh, and of one that is gone the history stays', async () => {
  const pool = aPoolOf([ready], {
    'GET /api/pool/activity': () => ({
      body: { events: [anEvent({ instanceId: 'aaa', type: 'removed', to: null })], cursor: '1-0', more: false },
    }),
  })
  open('/instances?open=aaa')
  await screen.findByText('Became ready')
  await screen.findByText('live', { exact: false })
  pool.tell({
    event: 'activity',
    data: anEvent({ id: '2', instanceId: 'aaa', type: 'drain', to: 'deleting', reason: 'drained' }),
  })
  await screen.findByText('Drained')
  pool.on('GET /api/pool/instances/aaa', () => ({ status: 404, body: aProblem(404, 'NOT_FOUND') }))
  pool.tell({ event: 'instance', data: { id: 'aaa', deleted: true } })
  await screen.findByText('It is gone. What happened to it is kept.')
  await screen.findByText('Removed')
})

test('the keyboard walks, selects, opens, searches and lets go', async () => {
  aPoolOf([ready, claimed])
  const { user } = open('/instances')
  await select('aaa')
  await user.keyboard('jj')
  await waitFor(() => expect(document.activeElement?.getAttribute('data-row')).toBe('bbb'))
  await user.keyboard('x')
  expect(((await select('tokyo')) as HTMLInputElement).checked).toBe(true)
  await user.keyboard('{Escape}')
  expect(((await select('tokyo')) as HTMLInputElement).checked).toBe(false)
  await user.keyboard('k')
  await waitFor(() => expect(document.activeElement?.getAttribute('data-row')).toBe('aaa'))
  await user.keyboard('{Enter}')
  await screen.findByRole('dialog', { name: 'aaa' })
  await user.keyboard('j')
  await screen.findByRole('dialog', { name: 'tokyo' })
  expect(params().get('open')).toBe('bbb')
  await user.keyboard('{Escape}')
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(params().get('open')).toBeNull()
  await user.keyboard('/')
  expect(document.activeElement).toBe(screen.getByRole('searchbox', { name: 'Search instances' }))
})

test('columns are chosen and ordered, and stay in the address', async () => {
  aPoolOf([ready])
  const { user } = open('/instances?columns=status,name,age')
  await select('aaa')
  const heads = () => screen.getAllByRole('columnheader').map((head) => head.textContent)
  expect(heads()).toEqual(['', 'Status', 'Name', 'Age'])
  await user.click(screen.getByRole('button', { name: 'Columns' }))
  await user.click(await screen.findByRole('checkbox', { name: 'Model' }))
  await user.click(screen.getByRole('button', { name: 'Move Age to the left' }))
  await waitFor(() => expect(params().get('columns')).toBe('status,age,name,model'))
})

test('a limit is raised, and the new one is shown', async () => {
  const tool = { toolId: 'openrouter', resourceId: 'key_1', state: 'active' }
  const one = anInstance({ id: 'aaa', tools: [tool] })
  let limit = 20
  const pool = aPoolOf([one], {
    'GET /api/pool/instances/aaa/tools/openrouter': () => ({
      body: {
        ...tool,
        config: {},
        error: null,
        usage: { at: one.createdAt, sample: { limit, used: 19, reset: 'monthly', exhausted: null } },
      },
    }),
    'PATCH /api/pool/instances/aaa/tools/openrouter': () => {
      limit = 50
      return { body: { ...tool, config: { limit }, error: null } }
    },
  })
  const { user } = open('/instances?open=aaa&tab=tools')
  await screen.findByText('$19.00 of $20.00 used, reset monthly')
  const field = screen.getByRole('textbox', { name: 'Limit, USD' })
  await user.clear(field)
  await user.type(field, '50')
  await user.click(screen.getByRole('button', { name: 'Raise the limit' }))
  await screen.findByText('$19.00 of $50.00 used, reset monthly')
  expect(pool.asked('PATCH /api/pool/instances/aaa/tools/openrouter').map(({ body }) => body)).toEqual([{ limit: 50 }])
})

test('a refused list says so with the request id; an empty one leads on', async () => {
  const pool = fakePool({
    [LIST]: () => ({ status: 400, body: aProblem(400, 'INVALID_REQUEST', { detail: 'the cursor is old' }) }),
  })
  const { user } = open('/instances?q=x')
  expect((await screen.findByRole('alert')).textContent).toContain('request-1')
  pool.on(LIST, () => page([]))
  await user.click(screen.getByRole('button', { name: 'Try again' }))
  await screen.findByText('No instance passes the filter.')
  await user.click(screen.getByRole('button', { name: 'Show all' }))
  await screen.findByText('The pool is empty.')
})

test('claimers are told that this page is for operators', async () => {
  const pool = fakePool({
    'GET /api/session': () => ({ body: aSession({ role: 'claimer' }) }),
    'GET /api/pool/counts': () => ({ body: aStatus([]).counts }),
  })
  open('/instances')
  await screen.findByText('This page is for operators.')
  expect(pool.asked(LIST)).toEqual([])
})
