import { screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { anInstance, anOperation, aProblem, aStatus } from './support/data.ts'
import { fakePool, noAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'

const STATUS = 'GET /api/pool/status'

const ready = (...ids: string[]) => ids.map((id) => anInstance({ id }))
const table = () => screen.findByRole('table', { name: 'Instances' })
const row = async (id: string) => (await within(await table()).findByText(id)).closest('tr') ?? document.body

test('a row changes in place', async () => {
  const pool = fakePool({ [STATUS]: () => ({ body: aStatus([anInstance({ id: 'aaa', status: 'starting' })]) }) })
  open('/instances')
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
  const { user } = open('/instances')
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
  const { user } = open('/instances')
  await user.click(await screen.findByRole('button', { name: 'Kill aaa' }))
  await user.click(screen.getByRole('button', { name: 'Kill instance' }))
  expect((await within(screen.getByRole('dialog')).findByRole('alert')).textContent).toContain('It is protected.')
})

test('an action that is not possible says why and does nothing', async () => {
  fakePool({ [STATUS]: () => ({ body: aStatus([anInstance({ id: 'aaa', status: 'deleting' })]) }) })
  const { user } = open('/instances')
  const kill = await screen.findByRole('button', { name: 'Kill aaa' })
  expect(kill.getAttribute('aria-disabled')).toBe('true')
  expect(document.getElementById(kill.getAttribute('aria-describedby') ?? '')?.textContent).toBe('it is already being deleted')
  await user.click(kill)
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('the filter is in the address, and an empty result leads out of itself', async () => {
  const instances = [anInstance({ id: 'aaa' }), anInstance({ id: 'bbb', status: 'stuck' })]
  fakePool({ [STATUS]: () => ({ body: aStatus(instances) }) })
  const { user } = open('/instances?status=stuck')
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
  const { user } = open('/instances')
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

test('each figure of the pulse leads to its instances', async () => {
  fakePool({ [STATUS]: () => ({ body: aStatus([anInstance({ status: 'pending' }), ...ready('bbb')], 5) }) })
  const { user } = open('/')
  const pulse = within(await screen.findByRole('region', { name: 'Pool now' }))
  await pulse.findByRole('link', { name: '1 ready of 5' })
  await user.click(pulse.getByRole('link', { name: '1 claimed' }))
  expect(window.location.pathname + window.location.search).toBe('/instances?status=claiming,pending,claimed')
  expect(within(await table()).queryByText('bbb')).toBeNull()
})
