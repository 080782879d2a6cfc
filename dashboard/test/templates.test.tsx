import type { Template, TemplateVersion } from '@convos/pool/contract'
import { act, fireEvent, screen, waitFor, within } from '@testing-library/react'
import { describe, expect, test } from 'vitest'
import { aClaim, anInstance, anOperation, aProblem, aSession, aStatus, aTemplate, sms } from './support/data.ts'
import { fakePool, heldAnswer, noAnswer } from './support/fakePool.ts'
import { open } from './support/open.tsx'

const mine = aTemplate({ creatorId: 'key:pool', agentName: 'Trip planner', instructions: 'You plan **trips**.', version: 3 })
const AT = '/api/templates/tpl_1'

/** A pool with these templates; each can be asked for by its id. */
function pool(templates: Template[], routes: Parameters<typeof fakePool>[0] = {}) {
  const each = templates.map((template) => [`GET /api/templates/${template.id}`, () => ({ body: template })] as const)
  return fakePool({
    'GET /api/templates': () => ({ body: { templates, truncated: false } }),
    'GET /api/tools': () => ({ body: { tools: [sms] } }),
    ...Object.fromEntries(each),
    ...routes,
  })
}
const asClaimer = {
  'GET /api/session': () => ({ body: aSession({ role: 'claimer', principal: 'key:me' }) }),
  'GET /api/pool/counts': () => ({ body: aStatus([]).counts }),
}
const version = (parts: Partial<TemplateVersion>): TemplateVersion => ({ ...mine, author: 'key:pool', ...parts })
const nameField = () => screen.findByRole('textbox', { name: 'Name' })
const button = (name: string | RegExp) => screen.getByRole('button', { name })

describe('the list', () => {
  test('says what a template brings, how many agents there are of it, and opens it by its address', async () => {
    const template = { ...mine, tools: [{ id: 'sms', provisioning: 'user' as const }], visibility: 'private' as const }
    const instances = [anInstance({ templateId: 'tpl_1', status: 'claimed' }), anInstance({ id: 'another', templateId: 'tpl_1' })]
    pool([template], { 'GET /api/pool/status': () => ({ body: aStatus(instances) }) })
    const { user } = open('/templates')
    const row = await screen.findByRole('link', { name: /^Trip planner/ })
    await waitFor(() => expect(row.textContent).toContain('2 agents'))
    for (const said of ['v3', 'SMS', 'private', 'yours']) expect(row.textContent).toContain(said)
    await user.click(row)
    expect(await nameField()).toHaveProperty('value', 'Trip planner')
    expect(window.location.search).toBe('?open=tpl_1')
    expect(screen.getByRole('link', { name: '2 agents' }).getAttribute('href')).toBe('/instances?template=tpl_1')
  })

  test('is searched and filtered, and says when nothing is left', async () => {
    pool([mine, aTemplate({ id: 'tpl_2', agentName: 'Texter' })])
    const { user } = open('/templates?show=mine')
    await screen.findByRole('link', { name: /^Trip planner/ })
    expect(screen.queryByRole('link', { name: /^Texter/ })).toBeNull()
    await user.type(screen.getByRole('searchbox', { name: 'Search templates' }), 'texter')
    await screen.findByText('No template is like that.')
    await user.click(button('Show all'))
    await screen.findByRole('link', { name: /^Texter/ })
    expect(window.location.search).toBe('')
  })

  test('that is empty says so, and one that cannot be read says why', async () => {
    const { on } = pool([])
    const { reload } = open('/templates')
    await screen.findByText('There are no templates yet.')
    on('GET /api/templates', () => ({ status: 500, body: aProblem(500, 'INTERNAL') }))
    reload()
    expect((await screen.findByRole('alert')).textContent).toContain('Something failed in the pool.')
    on('GET /api/templates', () => ({ body: { templates: [mine], truncated: false } }))
    fireEvent.click(button('Try again'))
    await screen.findByRole('link', { name: /^Trip planner/ })
  })

  test('is walked with j and k, and searched with /', async () => {
    pool([mine, aTemplate({ id: 'tpl_2', agentName: 'Texter' })])
    const { user } = open('/templates')
    await screen.findByRole('link', { name: /^Trip planner/ })
    await user.keyboard('jj')
    expect(document.activeElement?.textContent).toContain('Texter')
    await user.keyboard('k/')
    expect(document.activeElement).toBe(screen.getByRole('searchbox'))
  })
})

describe('the editor', () => {
  test('shows how the instructions read, and saves the next version of the one that was seen', async () => {
    const { asked } = pool([mine], {
      [`PUT ${AT}`]: ({ body }) => ({ body: { ...mine, ...(body as Partial<Template>), version: 4 } }),
    })
    const { user } = open('/templates?open=tpl_1')
    expect((await screen.findByText('trips')).tagName).toBe('STRONG')
    expect(button('Save as version 4').getAttribute('aria-disabled')).toBe('true')
    await user.type(screen.getByRole('textbox', { name: 'Instructions' }), ' Be brief.')
    await user.click(within(await screen.findByRole('radiogroup', { name: 'SMS' })).getByText('Claimer brings it'))
    screen.getByText('The claimer is asked for: Telnyx API key, Telnyx phone.')
    screen.getByText('instructions, tools')
    await user.keyboard('{Control>}s{/Control}')
    await screen.findByText('Saved as version 4')
    expect(asked(`PUT ${AT}`).map(({ body }) => body)).toEqual([
      {
        agentName: 'Trip planner',
        instructions: 'You plan **trips**. Be brief.',
        model: { default: null, allow_override: true },
        tools: [{ id: 'sms', provisioning: 'user' }],
        visibility: 'public',
        version: 3,
      },
    ])
    await screen.findByRole('button', { name: 'Save as version 5' })
  })

  test('says beside the field what is wrong, before it is sent and after', async () => {
    const errors = [{ path: 'tools.0.id', message: 'Telnyx is not available here' }]
    const { asked } = pool([{ ...mine, tools: [{ id: 'sms', provisioning: 'pool' }] }], {
      [`PUT ${AT}`]: () => ({ status: 422, body: aProblem(422, 'TOOLS_NOT_OFFERED', { errors }) }),
    })
    const { user } = open('/templates?open=tpl_1')
    const name = await nameField()
    await user.clear(name)
    await user.click(button('Save as version 4'))
    expect(name.getAttribute('aria-invalid')).toBe('true')
    expect(document.activeElement).toBe(name)
    expect(asked(`PUT ${AT}`)).toHaveLength(0)
    await user.type(name, 'Other')
    await user.click(button('Save as version 4'))
    await screen.findByText('Telnyx is not available here.')
    const tool = screen.getByRole('radiogroup', { name: 'SMS' })
    expect(tool.getAttribute('aria-invalid')).toBe('true')
    expect(document.activeElement).toBe(tool)
    expect(screen.getByRole('alert').textContent).toContain('It asks for tools that are not to be had here.')
    expect(name).toHaveProperty('value', 'Other')
  })

  test('asks before what is not saved is left, and keeps it over a reload', async () => {
    pool([mine, aTemplate({ id: 'tpl_2', agentName: 'Texter' })])
    const { user, reload } = open('/templates?open=tpl_1')
    await user.type(await nameField(), '!')
    const again = reload()
    expect(await nameField()).toHaveProperty('value', 'Trip planner!')
    await again.user.click(screen.getByRole('link', { name: /^Texter/ }))
    const dialog = await screen.findByRole('dialog', { name: 'Leave without saving?' })
    await again.user.click(within(dialog).getByRole('button', { name: 'Stay' }))
    expect(await nameField()).toHaveProperty('value', 'Trip planner!')
    await again.user.click(screen.getByRole('tab', { name: 'History' }))
    expect(screen.queryByRole('dialog')).toBeNull()
    await again.user.click(screen.getByRole('link', { name: /^Texter/ }))
    await again.user.click(await screen.findByRole('button', { name: 'Discard changes' }))
    await screen.findByRole('heading', { name: 'Texter' })
    await again.user.click(screen.getByRole('link', { name: /^Trip planner/ }))
    await screen.findByRole('heading', { name: 'Trip planner' })
    expect(await nameField()).toHaveProperty('value', 'Trip planner')
  })

  test('a session that ends at the save leads to the login and back to what was written', async () => {
    const { on } = pool([mine], {
      [`PUT ${AT}`]: () => ({ status: 401, body: aProblem(401, 'UNAUTHORIZED') }),
      'POST /api/session': () => ({ body: aSession() }),
    })
    const { user } = open('/templates?open=tpl_1')
    await user.type(await nameField(), '!')
    on('GET /api/session', () => ({ status: 401, body: aProblem(401, 'UNAUTHORIZED') }))
    await user.click(button('Save as version 4'))
    const key = await screen.findByRole('textbox', { name: 'API key' })
    on('GET /api/session', () => ({ body: aSession() }))
    await user.type(key, 'the-key')
    await user.click(button('Log in'))
    expect(await nameField()).toHaveProperty('value', 'Trip planner!')
  })

  test.each([
    ['a refusal', 403, 'FORBIDDEN', 'Your key does not allow this.'],
    ['too many requests', 429, 'RATE_LIMITED', 'Too many requests with this key.'],
    [
      'services that do not answer',
      503,
      'SERVICES_UNAVAILABLE',
      'The part of the pool that works with providers does not answer.',
    ],
  ])('%s is said in words, and nothing that was written is lost', async (_what, status, code, words) => {
    pool([mine], { [`PUT ${AT}`]: () => ({ status, body: aProblem(status, code) }) })
    const { user } = open('/templates?open=tpl_1')
    await user.type(await nameField(), '!')
    await user.click(button('Save as version 4'))
    expect((await screen.findByRole('alert')).textContent).toContain(words)
    expect(await nameField()).toHaveProperty('value', 'Trip planner!')
  })

  test('one that was deleted meanwhile says so, and what was written can be saved as another one', async () => {
    const { on, asked } = pool([mine], { [`PUT ${AT}`]: () => ({ status: 404, body: aProblem(404, 'TEMPLATE_NOT_FOUND') }) })
    const { user } = open('/templates?open=tpl_1')
    await user.type(await nameField(), '!')
    on(`GET ${AT}`, () => ({ status: 404, body: aProblem(404, 'TEMPLATE_NOT_FOUND') }))
    await user.click(button('Save as version 4'))
    await screen.findByText(/Somebody deleted this template meanwhile/)
    expect(screen.queryByRole('button', { name: 'Delete' })).toBeNull()
    const another = { ...mine, id: 'tpl_7', agentName: 'Trip planner!' }
    on('POST /api/templates', () => ({ status: 201, body: another }))
    on('GET /api/templates/tpl_7', () => ({ body: another }))
    await user.click(button('Save as a new template'))
    await screen.findByRole('heading', { name: 'Trip planner!' })
    expect(asked('POST /api/templates')[0]?.body).toMatchObject({ agentName: 'Trip planner!' })
    expect(window.location.search).toBe('?open=tpl_7')
  })
})

describe('when somebody else saved a version meanwhile', () => {
  const theirs = { ...mine, instructions: 'You plan **trips** by train.', version: 4, updatedAt: new Date().toISOString() }

  async function conflict() {
    const world = pool([mine], {
      [`PUT ${AT}`]: ({ body }) =>
        (body as { version: number }).version === 3
          ? { status: 409, body: aProblem(409, 'VERSION_CONFLICT', { detail: 'the template is at version 4 now' }) }
          : { body: { ...theirs, ...(body as Partial<Template>), version: 5 } },
    })
    const { user } = open('/templates?open=tpl_1')
    await user.type(await screen.findByRole('textbox', { name: 'Instructions' }), ' Be brief.')
    world.on(`GET ${AT}`, () => ({ body: theirs }))
    await user.click(button('Save as version 4'))
    const dialog = within(await screen.findByRole('dialog', { name: 'Version 4 was saved while you edited' }))
    return { ...world, user, dialog }
  }

  test('both are shown, and mine is saved over theirs only when asked to', async () => {
    const { user, dialog, asked } = await conflict()
    dialog.getByText('You plan **trips** by train.')
    dialog.getByText('You plan **trips**. Be brief.')
    await user.click(dialog.getByRole('button', { name: 'Save mine as version 5' }))
    await screen.findByText('Saved as version 5')
    expect(asked(`PUT ${AT}`).map(({ body }) => (body as { version: number }).version)).toEqual([3, 4])
  })

  test('theirs can be taken', async () => {
    const { user, dialog } = await conflict()
    await user.click(dialog.getByRole('button', { name: 'Take version 4' }))
    await waitFor(() =>
      expect(screen.getByRole('textbox', { name: 'Instructions' })).toHaveProperty('value', theirs.instructions),
    )
    expect(button('Save as version 5').getAttribute('aria-disabled')).toBe('true')
  })

  test('or mine be gone on with, and compared again', async () => {
    const { user, dialog } = await conflict()
    await user.click(dialog.getByRole('button', { name: 'Keep editing' }))
    await screen.findByText(/Version 4 was saved while you edited version 3/)
    await user.click(button('Compare'))
    await screen.findByRole('dialog')
  })

  test('a save whose answer was lost is no conflict', async () => {
    const { on } = pool([mine], { [`PUT ${AT}`]: noAnswer })
    const { user } = open('/templates?open=tpl_1')
    await user.type(await screen.findByRole('textbox', { name: 'Instructions' }), ' Be brief.')
    await user.click(button('Save as version 4'))
    await screen.findByText('The pool did not answer.')
    on(`PUT ${AT}`, () => ({ status: 409, body: aProblem(409, 'VERSION_CONFLICT') }))
    on(`GET ${AT}`, () => ({ body: { ...mine, instructions: 'You plan **trips**. Be brief.', version: 4 } }))
    await user.click(button('Save as version 4'))
    await screen.findByText('Saved as version 4')
    expect(screen.queryByRole('dialog')).toBeNull()
  })
})

describe('a new template', () => {
  test('is made once, however often the button is pressed, and then open', async () => {
    const { handler, release } = heldAnswer()
    const { asked, on } = pool([], { 'POST /api/templates': handler })
    const { user } = open('/templates?open=new')
    await user.type(await nameField(), 'Texter')
    const create = button('Create template')
    await user.dblClick(create)
    await user.click(create)
    const made = aTemplate({ id: 'tpl_9', agentName: 'Texter', creatorId: 'key:pool' })
    on('GET /api/templates/tpl_9', () => ({ body: made }))
    release({ status: 201, body: made })
    await screen.findByRole('heading', { name: 'Texter' })
    expect(window.location.search).toBe('?open=tpl_9')
    expect(asked('POST /api/templates').map(({ body }) => body)).toMatchObject([{ agentName: 'Texter', visibility: 'private' }])
    screen.getByRole('link', { name: /^Texter/ })
  })

  test('begins as a copy of another, private until said otherwise', async () => {
    const { asked } = pool([mine], { 'POST /api/templates': () => ({ status: 201, body: { ...mine, id: 'tpl_1' } }) })
    const { user } = open('/templates?open=tpl_1')
    await user.click(await screen.findByRole('button', { name: 'Clone' }))
    await waitFor(async () => expect(await nameField()).toHaveProperty('value', 'Trip planner copy'))
    await user.click(button('Create template'))
    await waitFor(() => expect(asked('POST /api/templates')).toHaveLength(1))
    expect(asked('POST /api/templates')[0]?.body).toMatchObject({ agentName: 'Trip planner copy', visibility: 'private' })
  })
})

describe('trying it', () => {
  test('claims with the template as it is saved', async () => {
    const { asked } = pool([mine], {
      'GET /api/pool/status': () => ({ body: aStatus([anInstance()]) }),
      'POST /api/pool/claim': () => ({ body: aClaim() }),
    })
    const { user } = open('/templates?open=tpl_1')
    await user.click(await screen.findByRole('button', { name: 'Try it' }))
    await user.click(await screen.findByRole('button', { name: /^Claim agent/ }))
    await screen.findByRole('link', { name: 'Open in Convos' })
    expect(asked('POST /api/pool/claim').map(({ body }) => body)).toEqual([{ templateId: 'tpl_1', waitMs: 0 }])

    // the result of the last try does not stand in the way of the next
    act(() => window.history.pushState(null, '', '/templates?open=tpl_1'))
    await user.click(screen.getByRole('link', { name: 'Templates' }))
    await user.click(await screen.findByRole('link', { name: /^Trip planner/ }))
    await user.click(await screen.findByRole('button', { name: 'Try it' }))
    await screen.findByRole('button', { name: /^Claim agent/ })
  })

  test('with what is not saved asks first; what was written waits', async () => {
    pool([mine], { 'GET /api/pool/status': () => ({ body: aStatus([anInstance()]) }) })
    const { user } = open('/templates?open=tpl_1')
    await user.type(await screen.findByRole('textbox', { name: 'Instructions' }), ' Be brief.')
    await user.click(button('Try it…'))
    await user.click(await screen.findByRole('button', { name: 'Try the draft' }))
    await screen.findByRole('heading', { name: 'Claim an agent' })
    await waitFor(() =>
      expect(screen.getByRole('textbox', { name: 'Instructions' })).toHaveProperty('value', 'You plan **trips**. Be brief.'),
    )
    expect(window.location.search).toBe('?template=tpl_1')
    await user.click(screen.getByRole('link', { name: 'Templates' }))
    await user.click(await screen.findByRole('link', { name: /^Trip planner/ }))
    await screen.findByRole('tab', { name: 'Edit' })
    expect(screen.getByRole('textbox', { name: 'Instructions' })).toHaveProperty('value', 'You plan **trips**. Be brief.')
  })

  test('is not possible with what somebody else keeps private', async () => {
    pool([aTemplate({ visibility: 'private' })])
    open('/templates?open=tpl_1')
    expect((await screen.findByRole('button', { name: 'Try it' })).getAttribute('aria-disabled')).toBe('true')
    screen.getByText('it is private to somebody else; a copy can be tried')
  })
})

describe('the history', () => {
  const versions = [
    version({ version: 3 }),
    version({ version: 2, instructions: 'You plan trips.', author: 'key:other' }),
    version({ version: 1, instructions: 'You plan trips.', visibility: 'private' }),
  ]
  const withHistory = (routes: Parameters<typeof fakePool>[0] = {}) =>
    pool([mine], { [`GET ${AT}/versions`]: () => ({ body: { versions, truncated: false } }), ...routes })

  test('says what each version changed, and by whom', async () => {
    withHistory()
    const { user } = open('/templates?open=tpl_1&tab=history')
    const rows = within(await screen.findByRole('navigation', { name: 'Versions' })).getAllByRole('link')
    expect(rows.map((row) => row.textContent)).toEqual([
      expect.stringMatching(/Version 3.* by you.*Instructions$/),
      expect.stringMatching(/Version 2.* by key:other.*Who may claim it$/),
      expect.stringMatching(/Version 1.*The first$/),
    ])
    screen.getByText('1 line added, 1 line removed')
    await user.click(screen.getByRole('link', { name: /^Version 2/ }))
    expect(window.location.search).toContain('version=2')
    expect(screen.getByText('Everybody').tagName).toBe('INS')
    await user.click(screen.getByText('What has changed since'))
    screen.getByText('1 line added, 1 line removed')
  })

  test('brings a version back as the next one', async () => {
    const { asked } = withHistory({
      [`PUT ${AT}`]: ({ body }) => ({ body: { ...mine, ...(body as Partial<Template>), version: 4 } }),
    })
    const { user } = open('/templates?open=tpl_1&tab=history&version=1')
    await user.click(await screen.findByRole('button', { name: 'Restore version 1' }))
    await screen.findByText('Version 1 is back, as version 4')
    expect(asked(`PUT ${AT}`)[0]?.body).toMatchObject({ instructions: 'You plan trips.', visibility: 'private', version: 3 })
  })

  test('brings nothing back over a version that it has not shown', async () => {
    withHistory({ [`PUT ${AT}`]: () => ({ status: 409, body: aProblem(409, 'VERSION_CONFLICT') }) })
    const { user } = open('/templates?open=tpl_1&tab=history&version=1')
    await user.click(await screen.findByRole('button', { name: 'Restore version 1' }))
    expect((await screen.findByRole('alert')).textContent).toContain('Somebody saved another version meanwhile.')
  })
})

describe('deleting', () => {
  test('names what is deleted and what stays, and in production asks twice', async () => {
    const { asked } = pool([mine], {
      'GET /api/session': () => ({ body: aSession({ environment: 'production' }) }),
      'GET /api/pool/status': () => ({ body: aStatus([anInstance({ templateId: 'tpl_1', status: 'claimed' })]) }),
      [`DELETE ${AT}`]: () => ({ body: { ok: true } }),
    })
    const { user } = open('/templates?open=tpl_1')
    await screen.findByRole('link', { name: '1 agent' })
    await user.click(button('Delete'))
    const dialog = within(await screen.findByRole('dialog', { name: 'Delete Trip planner?' }))
    dialog.getByText(/1 agent made from it stays/)
    await user.click(dialog.getByRole('button', { name: 'Delete template…' }))
    expect(asked(`DELETE ${AT}`)).toHaveLength(0)
    await user.click(await dialog.findByRole('button', { name: 'Delete template in production' }))
    await screen.findByText('There are no templates yet.')
    expect(asked(`DELETE ${AT}`)).toHaveLength(1)
    expect(window.location.search).toBe('')
  })
})

describe('syncing', () => {
  const claimed = anInstance({ id: 'a1', templateId: 'tpl_1', status: 'claimed' })

  test('says how many agents it is about, and shows how far it is', async () => {
    const operation = anOperation({ id: 'op_5', kind: 'sync', total: 1 })
    const world = pool([mine], {
      'GET /api/pool/status': () => ({ body: aStatus([claimed, anInstance()]) }),
      [`POST ${AT}/sync`]: () => ({ status: 202, body: operation }),
      'GET /api/pool/operations/op_5': () => ({ body: operation }),
    })
    const { user } = open('/templates?open=tpl_1')
    await screen.findByRole('link', { name: '1 agent' })
    await user.click(button('Sync agents'))
    await user.click(await screen.findByRole('button', { name: 'Sync 1 agent' }))
    await screen.findByText('Syncing: 0 of 1 agent')
    const items = [{ instanceId: 'a1', state: 'failed' as const, step: null, error: 'it is no longer claimed' }]
    act(() => world.tell({ event: 'operation', data: { ...operation, state: 'failed', failed: 1, items } }))
    await screen.findByText('Synced: 0 of 1 agent, 1 failed')
    screen.getByText('it is no longer claimed')
  })

  test('has nothing to do without agents', async () => {
    pool([mine])
    open('/templates?open=tpl_1')
    await screen.findByText('no claimed agent was made from it')
  })

  test('tells a claimer that it has begun: operations are for operators to follow', async () => {
    pool([aTemplate({ creatorId: 'key:me' })], {
      ...asClaimer,
      [`POST ${AT}/sync`]: () => ({ status: 202, body: anOperation({ kind: 'sync', total: 2 }) }),
    })
    const { user } = open('/templates?open=tpl_1')
    await user.click(await screen.findByRole('button', { name: 'Sync agents' }))
    await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Sync agents' }))
    await screen.findByText('2 agents will be told within a minute.')
  })
})

test('a claimer reads what is somebody else’s, and can claim or copy it but not change it', async () => {
  pool([{ ...mine, tools: [{ id: 'sms', provisioning: 'user' }] }], {
    ...asClaimer,
    [`GET ${AT}/versions`]: () => ({ body: { versions: [version({}), version({ version: 2 })], truncated: false } }),
  })
  const { user } = open('/templates?open=tpl_1')
  expect((await screen.findByText('trips')).tagName).toBe('STRONG')
  await screen.findByText('SMS: claimer brings it (Telnyx API key, Telnyx phone)')
  button('Try it')
  button('Clone')
  expect(screen.queryByRole('textbox', { name: 'Name' })).toBeNull()
  for (const name of ['Delete', 'Sync agents', /^Save/]) expect(screen.queryByRole('button', { name })).toBeNull()
  await user.click(screen.getByRole('tab', { name: 'History' }))
  await user.click(await screen.findByRole('link', { name: /^Version 2/ }))
  expect(screen.queryByRole('button', { name: /^Restore/ })).toBeNull()
})

test('a template that there is not, or not for whoever asks, says so', async () => {
  pool([], { [`GET ${AT}`]: () => ({ status: 404, body: aProblem(404, 'TEMPLATE_NOT_FOUND') }) })
  open('/templates?open=tpl_1')
  expect((await screen.findByRole('alert')).textContent).toContain('There is no such template for you.')
})

test('an operator is not offered to claim from what others keep private', async () => {
  pool([mine, aTemplate({ id: 'tpl_2', agentName: 'Secret', visibility: 'private' })])
  open('/')
  await screen.findByRole('radio', { name: /^Trip planner/ })
  expect(screen.queryByRole('radio', { name: /^Secret/ })).toBeNull()
})
