import { screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { anInstance, anOperation, aProblem, aStatus } from './support/data.ts'
import { fakePool, heldAnswer, noAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'

const STATUS = 'GET /api/pool/status'
const DRAIN = 'POST /api/pool/drain'
const REPLENISH = 'POST /api/pool/replenish'

const ready = (...ids: string[]) => ids.map((id) => anInstance({ id }))
const table = () => screen.findByRole('table', { name: 'Instances' })
const row = async (id: string) => (await within(await table()).findByText(id)).closest('tr') ?? document.body

test('a row changes in place', async () => {
  const pool = fakePool({ [STATUS]: () => ({ body: aStatus([anInstance({ id: 'aaa', status: 'starting' })]) }) })
  open('/pool')
  const before = await row('aaa')
  expect(before.textContent).toContain('starting')
  await screen.findByText('live', { exact: false })
  pool.tell({ event: 'instance', data: anInstance({ id: 'aaa' }) })
  await waitFor(() => expect(before.textContent).toContain('ready'))
  expect(await row('aaa')).toBe(before)
})

test('a kill is asked about first, naming what it does', async () => {
  const claimed = anInstance({ id: 'aaa', status: 'claimed', agentName: 'tokyo' })
  const pool = fakePool({
    [STATUS]: () => ({ body: aStatus([claimed]) }),
    'DELETE /api/pool/instances/aaa': () => ({ status: 202, body: anOperation({ kind: 'kill', total: 1 }) }),
    'GET /api/pool/operations/op_1': () => ({ body: anOperation({ kind: 'kill', total: 1, done: 1, state: 'done' }) }),
  })
  const { user } = open('/pool')
  await user.click(await screen.findByRole('button', { name: 'Kill aaa' }))
  const dialog = await screen.findByRole('dialog', { name: 'Kill tokyo?' })
  expect(dialog.textContent).toContain('Someone is using it.')
  expect(pool.asked('DELETE /api/pool/instances/aaa')).toEqual([])

  await user.click(within(dialog).getByRole('button', { name: 'Keep it' }))
  expect(screen.queryByRole('dialog')).toBeNull()
  expect(pool.asked('DELETE /api/pool/instances/aaa')).toEqual([])

  await user.click(screen.getByRole('button', { name: 'Kill aaa' }))
  await user.click(screen.getByRole('button', { name: 'Kill instance' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(pool.asked('DELETE /api/pool/instances/aaa')).toHaveLength(1)
  await within(screen.getByRole('region', { name: 'Operations' })).findByText('done, 1 of 1')
})

test('a kill that pool refuses says why, in the dialog', async () => {
  fakePool({
    [STATUS]: () => ({ body: aStatus(ready('aaa')) }),
    'DELETE /api/pool/instances/aaa': () => ({ status: 409, body: aProblem(409, 'PROTECTED', { detail: 'it is protected' }) }),
  })
  const { user } = open('/pool')
  await user.click(await screen.findByRole('button', { name: 'Kill aaa' }))
  await user.click(screen.getByRole('button', { name: 'Kill instance' }))
  expect((await within(screen.getByRole('dialog')).findByRole('alert')).textContent).toContain('It is protected.')
})

test('an action that is not possible says why and does nothing', async () => {
  fakePool({ [STATUS]: () => ({ body: aStatus([anInstance({ id: 'aaa', status: 'deleting' })]) }) })
  const { user } = open('/pool')
  const kill = await screen.findByRole('button', { name: 'Kill aaa' })
  expect(kill.getAttribute('aria-disabled')).toBe('true')
  expect(document.getElementById(kill.getAttribute('aria-describedby') ?? '')?.textContent).toBe('it is already being deleted')
  await user.click(kill)
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('a drain shows its progress until it ends', async () => {
  const pool = fakePool({
    [STATUS]: () => ({ body: aStatus(ready('aaa', 'bbb', 'ccc')) }),
    [DRAIN]: () => ({ status: 202, body: anOperation() }),
    'GET /api/pool/operations/op_1': () => ({ body: anOperation() }),
  })
  const { user } = open('/pool')
  const count = await screen.findByRole('spinbutton', { name: 'How many to drain' })
  await user.click(count)
  await user.keyboard('2')
  await user.click(screen.getByRole('button', { name: 'Drain' }))
  await screen.findByText('0 of 2')
  pool.tell({ event: 'operation', data: anOperation({ done: 1 }) })
  await screen.findByText('1 of 2')
  expect(pool.asked(DRAIN).map(({ body }) => body)).toEqual([{ count: 2 }])

  const items = [{ instanceId: 'bbb', state: 'failed' as const, step: 'project', error: 'the provider refused' }]
  pool.tell({ event: 'operation', data: anOperation({ state: 'failed', done: 1, failed: 1, items }) })
  await screen.findByText('failed, 1 of 2, 1 failed')
  expect(screen.getByText(/the provider refused/).textContent).toContain('bbb')
})

test('draining all that is ready is asked about first', async () => {
  const pool = fakePool({
    [STATUS]: () => ({ body: aStatus(ready('aaa', 'bbb')) }),
    [DRAIN]: () => ({ status: 202, body: anOperation() }),
    'GET /api/pool/operations/op_1': () => ({ body: anOperation() }),
  })
  const { user } = open('/pool')
  await user.click(await screen.findByRole('checkbox', { name: 'All ready' }))
  await user.click(screen.getByRole('button', { name: 'Drain' }))
  const dialog = await screen.findByRole('dialog', { name: 'Leave nothing ready?' })
  expect(pool.asked(DRAIN)).toEqual([])
  await user.click(within(dialog).getByRole('button', { name: 'Drain 2 instances' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  expect(pool.asked(DRAIN).map(({ body }) => body)).toEqual([{ count: 2 }])
})

test('a double click replenishes once, and the button stays shut while the request is under way', async () => {
  const { handler, release } = heldAnswer()
  const pool = fakePool({
    [STATUS]: () => ({ body: aStatus([]) }),
    [REPLENISH]: handler,
    'GET /api/pool/operations/op_1': () => ({ body: anOperation() }),
  })
  const { user } = open('/pool')
  await user.dblClick(await screen.findByRole('button', { name: 'Replenish' }))
  await waitFor(() => expect(screen.getByRole('button', { name: 'Replenish' }).getAttribute('aria-disabled')).toBe('true'))
  await user.click(screen.getByRole('button', { name: 'Replenish' }))
  release({ status: 202, body: anOperation() })
  await screen.findByText('Replenish by 1 instance')
  expect(pool.asked(REPLENISH)).toHaveLength(1)
})

test('a refused replenish says why, with the request id', async () => {
  const refusal = aProblem(409, 'BREAKER_OPEN', { detail: 'the breaker is open until 14:20' })
  fakePool({ [STATUS]: () => ({ body: aStatus([]) }), [REPLENISH]: () => ({ status: 409, body: refusal }) })
  const { user } = open('/pool')
  await user.click(await screen.findByRole('button', { name: 'Replenish' }))
  const alert = await screen.findByRole('alert')
  expect(alert.textContent).toContain('The breaker is open until 14:20.')
  expect(alert.textContent).toContain('request-1')
})

test('the filter is in the address, and an empty result leads out of itself', async () => {
  const instances = [anInstance({ id: 'aaa' }), anInstance({ id: 'bbb', status: 'stuck' })]
  fakePool({ [STATUS]: () => ({ body: aStatus(instances) }) })
  const { user } = open('/pool?status=stuck')
  await row('bbb')
  expect(within(await table()).queryByText('aaa')).toBeNull()

  await user.type(screen.getByRole('searchbox', { name: 'Search instances' }), 'aaa')
  expect(new URLSearchParams(window.location.search).get('q')).toBe('aaa')
  await user.click(await screen.findByRole('button', { name: 'Show all' }))
  expect(window.location.search).toBe('')
  await row('aaa')
})

test('a silent pool is told in a banner, with what is on screen kept, until it answers again', async () => {
  const pool = fakePool({ [STATUS]: () => ({ body: aStatus(ready('aaa')) }) })
  const { user } = open('/pool')
  await row('aaa')
  await screen.findByText('live', { exact: false })
  pool.on('GET /api/pool/events', noAnswer)
  pool.cutOff()
  await screen.findByText(/reconnecting since/)
  const banner = await screen.findByText('The pool does not answer.')
  expect(banner.closest('[role=alert]')?.textContent).toContain('What you see is from')
  expect(await row('aaa')).toBeTruthy()

  pool.off('GET /api/pool/events')
  pool.on(STATUS, () => ({ body: aStatus(ready('aaa', 'bbb')) }))
  await user.click(screen.getByRole('button', { name: 'Try now' }))
  await screen.findByText('live', { exact: false })
  expect(screen.queryByText('The pool does not answer.')).toBeNull()
  await row('bbb')
})

test('a refill that is held back is told with its reason', async () => {
  const held = { code: 'CREATION_FAILING', reason: 'the last three creations failed', until: null }
  fakePool({ [STATUS]: () => ({ body: { ...aStatus([]), held } }) })
  open('/pool')
  await screen.findByText('The pool is not being refilled: the last three creations failed.')
})

test('each figure of the pulse leads to its instances', async () => {
  const pool = fakePool({ [STATUS]: () => ({ body: aStatus([anInstance({ status: 'pending' }), ...ready('bbb')], 5) }) })
  const { user } = open('/')
  const pulse = within(await screen.findByRole('region', { name: 'Pool now' }))
  await pulse.findByRole('link', { name: '1 ready of 5' })
  await user.click(pulse.getByRole('link', { name: '1 claimed' }))
  expect(window.location.pathname + window.location.search).toBe('/instances?status=claiming,pending,claimed')
  await screen.findByText('No instance passes the filter.')
  expect(pool.asked('GET /api/pool/instances').at(-1)?.path).toContain('status=pending&status=claimed')
})
