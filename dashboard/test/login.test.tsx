import { screen, waitFor } from '@testing-library/react'
import { expect, test } from 'vitest'
import { aProblem, aSession } from './support/data.ts'
import { fakePool, heldAnswer, noAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'

const LOGIN = 'POST /api/session'
const signedOut = () => ({ status: 401, body: aProblem(401, 'UNAUTHORIZED') })

test('without a session the login page stands before every page, and leads back to it', async () => {
  const pool = fakePool({ 'GET /api/session': signedOut, [LOGIN]: () => ({ body: aSession() }) })
  const { user } = open('/pool?status=stuck')
  await user.type(await screen.findByRole('textbox', { name: 'API key' }), ' the-key ')
  await user.click(screen.getByRole('button', { name: 'Log in' }))
  await screen.findByText('The pool is empty.')
  expect(window.location.pathname + window.location.search).toBe('/pool?status=stuck')
  expect(pool.asked(LOGIN).map(({ body }) => body)).toEqual([{ key: 'the-key' }])
})

test('a key that is not known is said beside the field', async () => {
  fakePool({ [LOGIN]: signedOut })
  const { user } = open('/login')
  await user.type(await screen.findByRole('textbox', { name: 'API key' }), 'wrong')
  await user.click(screen.getByRole('button', { name: 'Log in' }))
  await screen.findByText(/This key is not known/)
  expect(screen.getByRole('textbox', { name: 'API key' }).getAttribute('aria-invalid')).toBe('true')
})

test('a login link logs in by itself, once, and its code leaves the address bar before pool has answered', async () => {
  const { handler, release } = heldAnswer()
  const pool = fakePool({ [LOGIN]: handler })
  open('/login#the-code')
  await waitFor(() => expect(pool.asked(LOGIN)).toHaveLength(1))
  expect(window.location.href).not.toContain('the-code')
  release({ body: aSession() })
  await screen.findByRole('heading', { name: 'Claim an agent' })
  expect(pool.asked(LOGIN).map(({ body }) => body)).toEqual([{ loginCode: 'the-code' }])
})

test('a used login link says so, and the key still works', async () => {
  const pool = fakePool({ [LOGIN]: signedOut })
  const { user } = open('/login#used')
  expect((await screen.findByRole('alert')).textContent).toContain('This login link does not work any more.')
  pool.on(LOGIN, () => ({ body: aSession() }))
  await user.type(screen.getByRole('textbox', { name: 'API key' }), 'the-key')
  await user.click(screen.getByRole('button', { name: 'Log in' }))
  await screen.findByRole('heading', { name: 'Claim an agent' })
})

test('a login never leads to another site', async () => {
  fakePool({ [LOGIN]: () => ({ body: aSession() }) })
  open('/login?next=//evil.example/x#the-code')
  await screen.findByRole('heading', { name: 'Claim an agent' })
  expect(window.location.href).toBe(`${window.location.origin}/`)
})

test('a session that ends while looking leads to the login page', async () => {
  const pool = fakePool()
  open('/pool')
  await screen.findByText('The pool is empty.')
  await screen.findByText('live', { exact: false })
  pool.on('GET /api/pool/events', signedOut)
  pool.on('GET /api/session', signedOut)
  pool.cutOff()
  await screen.findByRole('textbox', { name: 'API key' })
  expect(new URLSearchParams(window.location.search).get('next')).toBe('/pool')
})

test('logging out ends the session and forgets what this tab remembered', async () => {
  const pool = fakePool({ 'DELETE /api/session': () => ({}) })
  const { user } = open('/')
  await user.type(await screen.findByRole('textbox', { name: 'Agent name' }), 'secret plan')
  await user.click(screen.getByRole('button', { name: 'Log out' }))
  await screen.findByRole('textbox', { name: 'API key' })
  expect(pool.asked('DELETE /api/session')).toHaveLength(1)
  expect(JSON.stringify(sessionStorage)).not.toContain('secret plan')
})

test('a pool that does not answer is told, and the page goes on when it does', async () => {
  const pool = fakePool({ 'GET /api/session': noAnswer })
  const { user } = open('/')
  expect((await screen.findByRole('alert')).textContent).toContain('The pool did not answer.')
  pool.on('GET /api/session', () => ({ body: aSession() }))
  await user.click(screen.getByRole('button', { name: 'Try now' }))
  await screen.findByRole('heading', { name: 'Claim an agent' })
})

test('an address that leads nowhere says so, within the frame', async () => {
  fakePool()
  open('/no/such/page')
  await screen.findByRole('heading', { name: 'There is no such page.' })
  expect(screen.getByRole('link', { name: 'Pool' })).toBeTruthy()
})
