import type { ApiKey } from '@convos/pool/contract'
import { screen, waitFor, within } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import { anEvent, aProblem, aSession, aStatus } from './support/data.ts'
import { fakePool } from './support/fakePool.ts'
import { open } from './support/open.tsx'
import { settings } from './support/supply.ts'

const KEYS = 'GET /api/keys'
const MAKE = 'POST /api/keys'
const SECRET = 'convos_the-secret-itself'

const aKey = (parts: Partial<ApiKey> = {}): ApiKey => ({
  id: 'k1',
  name: 'website',
  role: 'claimer',
  claimsPerMinute: 60,
  claimsPerDay: null,
  createdAt: '2030-01-01T00:00:00.000Z',
  lastUsedAt: null,
  revokedAt: null,
  ...parts,
})

const build = { version: '0.1.0', commit: '0123456789abcdef', schema: '0008_operators.sql' }

/** A pool with these keys, which can be made and revoked. */
function aPoolWith(keys: ApiKey[], routes: Parameters<typeof fakePool>[0] = {}) {
  return fakePool({
    [KEYS]: () => ({ body: { keys } }),
    'GET /api/pool/versions': () => ({ body: { pool: build, services: { ...build, commit: 'fedcba9876543210' } } }),
    ...routes,
  })
}

const table = async () => within(await screen.findByRole('table', { name: 'Keys' }))
const section = async (name: string) => within(await screen.findByRole('region', { name }))

test('keys are told with role, limits and last use; revoked ones apart', async () => {
  aPoolWith([
    aKey({ lastUsedAt: new Date(Date.now() - 5 * 60_000).toISOString(), claimsPerDay: 1000 }),
    aKey({ id: 'k2', name: 'old', revokedAt: '2030-01-02T00:00:00.000Z' }),
  ])
  open('/settings')
  const row = within((await (await table()).findByText('website')).closest('tr') as HTMLElement)
  row.getByText('60 a minute, 1,000 a day')
  row.getByText('5 min')
  expect((await table()).queryByText('old')).toBeNull()
  screen.getByText('1 revoked key')
  expect(screen.queryByRole('button', { name: 'Revoke old' })).toBeNull()
})

test('a key is made with role and limits, shown once, and found nowhere afterwards', async () => {
  const pool = aPoolWith([], { [MAKE]: () => ({ status: 201, body: { ...aKey(), key: SECRET } }) })
  const { user } = open('/settings?new=key')
  const dialog = within(await screen.findByRole('dialog', { name: 'New key' }))
  await user.click(dialog.getByRole('button', { name: 'Make key' }))
  expect(pool.asked(MAKE)).toEqual([])
  await user.type(dialog.getByRole('textbox', { name: 'Name' }), ' website ')
  await user.clear(dialog.getByRole('textbox', { name: 'Claims a minute' }))
  await user.type(dialog.getByRole('textbox', { name: 'Claims a day' }), '500{Enter}')
  const shown = within(await screen.findByRole('dialog', { name: /^Key “website”/ }))
  expect(pool.asked(MAKE).map(({ body }) => body)).toEqual([
    { name: 'website', role: 'claimer', claimsPerMinute: null, claimsPerDay: 500 },
  ])
  shown.getByText(SECRET)
  const copied = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue()
  await user.click(shown.getByRole('button', { name: 'Copy key' }))
  expect(copied).toHaveBeenCalledWith(SECRET)
  await user.keyboard('{Escape}')
  shown.getByText(SECRET)
  await user.click(shown.getByRole('button', { name: 'It is stored' }))
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
  ;(await table()).getByText('website')
  expect(window.location.search).toBe('')
  expect(document.body.textContent).not.toContain(SECRET)
  for (const storage of [sessionStorage, localStorage]) expect(JSON.stringify(Object.entries(storage))).not.toContain(SECRET)
})

test('a name that is taken is told at the name; nothing else is lost', async () => {
  aPoolWith([], { [MAKE]: () => ({ status: 409, body: aProblem(409, 'NAME_TAKEN') }) })
  const { user } = open('/settings')
  await user.click(await screen.findByRole('button', { name: 'New key' }))
  const name = await screen.findByRole('textbox', { name: 'Name' })
  await user.type(name, 'website{Enter}')
  await screen.findByText('There is a key of this name already.')
  expect((name as HTMLInputElement).value).toBe('website')
  expect(name.getAttribute('aria-invalid')).toBe('true')
})

test('a key is revoked after asking by its name, in production twice', async () => {
  const pool = aPoolWith([aKey()], {
    'GET /api/session': () => ({ body: aSession({ environment: 'production' }) }),
    'DELETE /api/keys/k1': () => ({ body: aKey({ revokedAt: '2030-01-02T00:00:00.000Z' }) }),
  })
  const { user } = open('/settings')
  await user.click(await screen.findByRole('button', { name: 'Revoke website' }))
  const dialog = within(await screen.findByRole('dialog', { name: 'Revoke website?' }))
  await user.click(dialog.getByRole('button', { name: 'Revoke key…' }))
  expect(pool.asked('DELETE /api/keys/k1')).toEqual([])
  await user.click(await dialog.findByRole('button', { name: 'Revoke key in production' }))
  await screen.findByText('1 revoked key')
  expect(pool.asked('DELETE /api/keys/k1')).toHaveLength(1)
  expect(screen.queryByRole('dialog')).toBeNull()
})

test('who revokes the key of this session is told, and logged out', async () => {
  let over = false
  aPoolWith([aKey({ role: 'operator' })], {
    'GET /api/session': () =>
      over
        ? { status: 401, body: aProblem(401, 'UNAUTHORIZED') }
        : { body: aSession({ principal: 'key:k1', keyName: 'website' }) },
    [KEYS]: () =>
      over ? { status: 401, body: aProblem(401, 'UNAUTHORIZED') } : { body: { keys: [aKey({ role: 'operator' })] } },
    'DELETE /api/keys/k1': () => {
      over = true
      return { body: aKey({ revokedAt: '2030-01-02T00:00:00.000Z' }) }
    },
  })
  const { user } = open('/settings')
  await user.click(await screen.findByRole('button', { name: 'Revoke website' }))
  await screen.findByText('You are logged in with this key: you will be logged out.')
  await user.click(screen.getByRole('button', { name: 'Revoke key' }))
  await screen.findByRole('heading', { name: 'Log in' })
})

test('a key that somebody else makes appears', async () => {
  const keys = [aKey()]
  const pool = aPoolWith(keys)
  open('/settings')
  await (await table()).findByText('website')
  await screen.findByText('live', { exact: false })
  keys.unshift(aKey({ id: 'k9', name: 'another' }))
  pool.tell({ event: 'activity', data: anEvent({ type: 'key_created', instanceId: null }) })
  await (await table()).findByText('another')
})

test('a limit is changed where it stands, in its own unit; target and pause are on the Pool page', async () => {
  let now = settings()
  const pool = aPoolWith([], {
    'GET /api/pool/settings': () => ({ body: now }),
    'PATCH /api/pool/settings': ({ body }) => {
      now = { ...now, ...(body as object), source: { ...now.source, stuckTimeoutMs: 'operator' } }
      return { body: now }
    },
  })
  const { user } = open('/settings')
  const limits = await section('Limits and supply')
  await limits.findByText('15 minutes')
  expect(limits.getByRole('link', { name: 'Change on the Pool page' }).getAttribute('href')).toBe('/pool')
  await user.click(limits.getByRole('button', { name: 'Change Time to become ready' }))
  const field = limits.getByRole('textbox', { name: 'Time to become ready, minutes' })
  expect(document.activeElement).toBe(field)
  await user.clear(field)
  await user.type(field, '0{Enter}')
  limits.getByText('It has to be between 1 and 1,440 minutes.', { selector: '.field-error' })
  expect(pool.asked('PATCH /api/pool/settings')).toEqual([])
  await user.clear(field)
  await user.type(field, '120{Enter}')
  await limits.findByText('2 hours')
  limits.getByText('set by an operator')
  expect(pool.asked('PATCH /api/pool/settings').map(({ body }) => body)).toEqual([{ stuckTimeoutMs: 7_200_000 }])
})

test('a change that is refused says so beside its field', async () => {
  aPoolWith([], { 'PATCH /api/pool/settings': () => ({ status: 500, body: aProblem(500, 'INTERNAL') }) })
  const { user } = open('/settings')
  const limits = await section('Limits and supply')
  await user.click(await limits.findByRole('button', { name: 'Change Cap' }))
  await user.type(limits.getByRole('textbox', { name: 'Cap, instances' }), '5{Enter}')
  expect((await limits.findByRole('alert')).textContent).toContain('request-1')
})

test('versions of every part are told; services may be silent', async () => {
  aPoolWith([], { 'GET /api/pool/versions': () => ({ body: { pool: build, services: null } }) })
  open('/settings')
  const about = await section('Versions and API')
  await about.findByText('0123456789ab')
  about.getByText('does not answer')
  expect(about.getByRole('link', { name: 'OpenAPI' }).getAttribute('href')).toBe('/openapi.json')
})

test('keys that cannot be read say so, and the rest of the page stands', async () => {
  aPoolWith([], { [KEYS]: () => ({ status: 502, body: '<html>Bad gateway</html>' }) })
  open('/settings')
  const keys = await section('Access keys')
  await keys.findByText('Something between you and the pool answered in its place.')
  await (await section('Limits and supply')).findByText('15 minutes')
})

test('claimers see their session, and nothing of the others', async () => {
  const pool = fakePool({
    'GET /api/session': () => ({ body: aSession({ role: 'claimer', principal: 'key:k1', keyName: 'website' }) }),
    'GET /api/pool/counts': () => ({ body: aStatus([]).counts }),
    'DELETE /api/session': () => ({ status: 204 }),
  })
  const { user } = open('/settings?new=key')
  const session = await section('This session')
  session.getByText('website')
  session.getByText('claimer: claims agents, and sees its own claims')
  await screen.findByRole('link', { name: 'Description' })
  for (const name of ['Access keys', 'Limits and supply']) expect(screen.queryByRole('region', { name })).toBeNull()
  expect(screen.queryByRole('dialog')).toBeNull()
  for (const route of [KEYS, 'GET /api/pool/settings', 'GET /api/pool/versions']) expect(pool.asked(route), route).toEqual([])
  await user.click(session.getByRole('button', { name: 'Log out' }))
  await screen.findByRole('heading', { name: 'Log in' })
})

test('the palette leads to both pages, and makes a key', async () => {
  aPoolWith([])
  const { user } = open('/settings')
  await screen.findByText("There are no keys but the pool's own.")
  await user.keyboard('{Control>}k{/Control}')
  await user.type(await screen.findByRole('combobox', { name: 'Go to' }), 'new key')
  await user.keyboard('{Enter}')
  await screen.findByRole('dialog', { name: 'New key' })
})
