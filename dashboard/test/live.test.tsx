import { act, screen, waitFor, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { anInstance, aProblem, aStatus } from './support/data.ts'
import { fakePool, heldAnswer, noAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'

const STATUS = 'GET /api/pool/status'
const EVENTS = 'GET /api/pool/events'
const instances = (...ids: string[]) => ({ body: aStatus(ids.map((id) => anInstance({ id }))) })
const live = () => screen.findByText('live', { exact: false })
const cell = (id: string) => screen.findByRole('option', { name: new RegExp(id) })
const pulse = async () => within(await screen.findByRole('region', { name: 'Pool now' }))

test('a stream that pool ends in good order is no loss: it goes on where it was', async () => {
  const pool = fakePool({ [STATUS]: () => instances('aaa') })
  open('/pool')
  await live()
  act(() => pool.tell({ event: 'instance', data: anInstance({ id: 'bbb' }) }))
  await cell('bbb')
  const asked = pool.asked(STATUS).length
  act(() => pool.endStreams(20))
  await waitFor(() => expect(pool.asked(EVENTS).at(-1)?.headers.get('last-event-id')).toBe('1-1'))
  await live()
  expect(pool.asked(STATUS)).toHaveLength(asked)
})

test('a reset reads everything again', async () => {
  const pool = fakePool({ [STATUS]: () => instances('aaa') })
  open('/pool')
  await live()
  await cell('aaa')
  pool.on(STATUS, () => instances('bbb'))
  act(() => pool.tell({ event: 'reset', data: {} }))
  await cell('bbb')
  expect(screen.queryByRole('option', { name: /aaa/ })).toBeNull()
})

test('news that come while an answer is on its way are not undone by it', async () => {
  const { handler, release } = heldAnswer()
  const pool = fakePool({ [STATUS]: () => instances('aaa') })
  open('/pool')
  await live()
  await cell('aaa')
  pool.on(STATUS, handler)
  act(() => pool.tell({ event: 'reset', data: {} }))
  act(() => pool.tell({ event: 'instance', data: anInstance({ id: 'bbb' }) }))
  await cell('bbb')
  release(instances('aaa', 'ccc'))
  await cell('ccc')
  expect(await cell('bbb')).toBeTruthy()
})

test('the figures follow the stream, on every page', async () => {
  const pool = fakePool({ [STATUS]: () => instances('aaa') })
  open('/')
  await live()
  await (await pulse()).findByRole('link', { name: '1 ready of 3' })
  const counts = { provisioning: 1, idle: 7, claimed: 0, crashed: 2, stuck: 0 }
  act(() => pool.tell({ event: 'counts', data: counts }))
  await (await pulse()).findByRole('link', { name: '7 ready of 3' })
  await (await pulse()).findByRole('link', { name: '2 crashed' })
  await screen.findByRole('button', { name: 'Claim agent — 7 ready' })
})

test('a stream that is refused leads to the login page, and nobody listens there', async () => {
  const pool = fakePool({ [EVENTS]: () => ({ status: 401, body: aProblem(401, 'UNAUTHORIZED') }) })
  open('/pool?status=stuck')
  await screen.findByRole('textbox', { name: 'API key' })
  expect(new URLSearchParams(window.location.search).get('next')).toBe('/pool?status=stuck')
  expect(pool.asked(EVENTS).length).toBeLessThanOrEqual(2)
})

test('the palette goes to an instance by a few letters of its name', async () => {
  const tokyo = anInstance({ id: 'aaa', agentName: 'tokyo' })
  fakePool({
    [STATUS]: () => ({ body: aStatus([tokyo, anInstance({ id: 'bbb' })]) }),
    'GET /api/pool/instances/aaa': () => ({ body: { ...tokyo, events: [] } }),
  })
  const { user } = open('/')
  await live()
  await user.keyboard('{Control>}k{/Control}')
  await user.type(await screen.findByRole('combobox', { name: 'Go to' }), 'tok')
  await waitFor(() => expect(screen.getAllByRole('option')).toHaveLength(1))
  await user.keyboard('{Enter}')
  await waitFor(() => expect(window.location.pathname + window.location.search).toBe('/instances?open=aaa'))
  const panel = await screen.findByRole('dialog', { name: 'tokyo' })
  await waitFor(() => expect(panel.contains(document.activeElement)).toBe(true))
})

test('what could not be read is told with its request id, and asked for until it can be', async () => {
  const pool = fakePool({ [STATUS]: () => ({ status: 500, body: aProblem(500, 'INTERNAL') }) })
  open('/pool')
  const alert = await screen.findByRole('alert')
  expect(alert.textContent).toContain('Something failed in the pool.')
  expect(alert.textContent).toContain('request-1')
  pool.on(STATUS, () => instances('aaa'))
  await cell('aaa')
  expect(screen.queryByRole('alert')).toBeNull()
})

test('when the browser says that the network is gone the stream is tried at once, and again when it is back', async () => {
  const pool = fakePool({ [STATUS]: () => instances('aaa') })
  open('/pool')
  await live()
  window.dispatchEvent(new Event('offline'))
  // it was there all the same: the pool may be on this very machine
  await waitFor(() => expect(pool.asked(EVENTS)).toHaveLength(2))
  await live()
  pool.on(EVENTS, noAnswer)
  window.dispatchEvent(new Event('offline'))
  await screen.findByText(/reconnecting since/)
  pool.off(EVENTS)
  window.dispatchEvent(new Event('online'))
  await live()
})
