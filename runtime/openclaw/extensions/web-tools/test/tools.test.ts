import { describe, expect, test } from 'vitest'
import { gateway, INSTANCE, manifest, type Reply, SERVICES_TOKEN, standIn } from './support.ts'

const env = (url: string) => ({ SERVICES_URL: url, INSTANCE_SERVICES_TOKEN: SERVICES_TOKEN, INSTANCE_ID: INSTANCE })
async function withServices(answer: Reply | ((path: string) => Reply)) {
  const services = await standIn(({ path }) => (typeof answer === 'function' ? answer(path) : answer))
  return { services, ...(await gateway(env(services.url))) }
}
const problem = (status: number, code: string, headers: Record<string, string> = {}): Reply => [
  status,
  { code, status, detail: 'a detail' },
  headers,
]

describe('the tools', () => {
  test('are those that the manifest names, each with a schema', async () => {
    const { tools, routes } = await gateway()
    expect([...tools.keys()].toSorted((a, b) => a.localeCompare(b))).toEqual(
      manifest.contracts.tools.toSorted((a, b) => a.localeCompare(b)),
    )
    for (const { parameters, description } of tools.values()) {
      expect(parameters).toMatchObject({ type: 'object', additionalProperties: false })
      expect(description.length).toBeLessThan(400)
    }
    expect(routes.map(({ path, auth, match }) => [path, auth, match])).toEqual([['/web-tools', 'plugin', 'prefix']])
  })

  test('ask services in the name of this instance', async () => {
    const { services, use } = await withServices([200, { tools: [] }])
    expect(await use('list_tools')).toEqual({ ok: true, text: 'You have no tools, and may get none.' })
    expect(services.requests).toMatchObject([
      { path: `/tools/${INSTANCE}`, headers: { authorization: `Bearer ${SERVICES_TOKEN}` } },
    ])
  })

  test.each(['list_tools', 'credits', 'sms_read'])('say so where there are no services: %s', async (tool) => {
    expect(await (await gateway()).use(tool)).toEqual({ ok: false, text: expect.stringContaining('runs without services') })
  })

  test('take their variables from what holds at the moment they are used', async () => {
    const { use, setVars } = await gateway()
    const services = await standIn(() => [200, { tools: [] }])
    setVars(env(services.url))
    expect(await use('list_tools')).toMatchObject({ ok: true })
  })

  test.each([
    [{ toolId: 'wallet' }, /toolId/],
    [{}, /toolId/],
    [{ toolId: 'email', key: 'x' }, /key/],
  ])('say what is wrong with %j', async (input, message) => {
    expect(await (await gateway()).use('provision_tool', input)).toEqual({ ok: false, text: expect.stringMatching(message) })
  })
})

describe('what services refuse', () => {
  test.each([
    ['UNAUTHORIZED', 401, /whoever runs this agent must look/],
    ['NOT_CLAIMED', 403, /only after somebody has claimed/],
    ['TOOL_NOT_ALLOWED', 403, /template does not allow/],
    ['TOOL_UNAVAILABLE', 409, /not set up where this agent runs/],
    ['TOOL_GOING', 409, /Try again in a few minutes/],
    ['QUOTA', 429, /too often within 30 days/],
    ['SOMETHING_NEW', 409, /It did not work: .*a detail/],
    ['constructor', 409, /It did not work/],
  ])('is told in words: %s', async (code, status, words) => {
    const { use } = await withServices(problem(status, code))
    expect(await use('provision_tool', { toolId: 'email' })).toEqual({ ok: false, text: expect.stringMatching(words) })
  })

  test.each([
    ['30', 'in a minute'],
    ['600', 'in 10 minutes'],
    ['10800', 'in 3 hours'],
    ['864000', 'in 10 days'],
  ])('for a time is told with that time: %s s', async (seconds, words) => {
    const { use } = await withServices(problem(429, 'SMS_CAP', { 'retry-after': seconds }))
    expect((await use('sms_send', { to: '+14155550123', text: 'x' })).text).toContain(`used up. It works again ${words}.`)
  })

  test('is no answer at all, or one of another kind', async () => {
    expect((await (await withServices(null)).use('credits')).text).toContain('could not be reached')
    expect((await (await withServices([200, { nothing: 'of it' }])).use('credits')).text).toContain('an unexpected body')
  })
})

describe('what a tool says', () => {
  test('holds no secret, whoever sends it back', async () => {
    const config = {
      address: 'a@b.example',
      apiKey: 'never-shown',
      nested: { secret: 'never-shown' },
      note: `see ${SERVICES_TOKEN}`,
    }
    const tool = { toolId: 'email', name: 'Mail', resourceId: 'r', state: 'active', allowed: false, config }
    const { use } = await withServices((path) =>
      path.startsWith('/provision/') ? [200, { ...tool, error: null }] : [200, { tools: [tool] }],
    )
    for (const { text } of [await use('list_tools'), await use('provision_tool', { toolId: 'email' })]) {
      expect(text).toContain('a@b.example')
      expect(text).toContain('see [hidden]')
      expect(text).not.toMatch(/never-shown|apiKey/)
    }
    const echo = await withServices([409, { code: 'X', detail: `what is ${SERVICES_TOKEN}?` }])
    expect((await echo.use('credits')).text).toContain('what is [hidden]?')
  })

  test('is bounded', async () => {
    const messages = Array.from({ length: 100 }, (_, i) => ({
      id: `id-${i}`,
      direction: 'inbound',
      from: '+1',
      to: '+2',
      text: 'x'.repeat(1_000),
      state: 'received',
      at: '2026-03-01T00:00:00Z',
    }))
    const { text } = await (await withServices([200, { messages }])).use('sms_read', { limit: 100 })
    expect(text.length).toBeLessThan(12_100)
    expect(text).toContain('more characters left out')
  })

  test('is silent about what nobody foresaw, which is logged', async () => {
    const { use, warnings, setVars } = await gateway()
    setVars({ ...env('http://127.0.0.1:1'), INSTANCE_SERVICES_TOKEN: 'not a header\n value' })
    const { ok, text } = await use('credits')
    expect(ok).toBe(false)
    expect(`${text} ${warnings.join(' ')}`).not.toContain('not a header')
  })
})

describe('texts through the claimer’s own account', () => {
  const own = (url: string) => ({
    TELNYX_API_KEY: 'KEY-of-the-claimer',
    TELNYX_PHONE_NUMBER: '+13125550100',
    TELNYX_API_URL: url,
  })
  const text = { to: '+14155550123', text: 'hello' }

  test('go straight to Telnyx', async () => {
    const telnyx = await standIn(() => [200, { data: { id: 'm-1', to: [] } }])
    const { use } = await gateway(own(telnyx.url))
    expect(await use('sms_send', text)).toEqual({ ok: true, text: expect.stringContaining('Sent from +13125550100') })
    expect(telnyx.requests).toMatchObject([
      {
        method: 'POST',
        path: '/messages',
        headers: { authorization: 'Bearer KEY-of-the-claimer' },
        body: { from: '+13125550100', ...text },
      },
    ])
  })

  test('are never sent twice when the answer is lost', async () => {
    const telnyx = await standIn(() => null)
    const { use } = await gateway(own(telnyx.url))
    expect((await use('sms_send', text)).text).toContain('Do not send it again')
    expect(telnyx.requests).toHaveLength(1)
  })

  test('are refused in words', async () => {
    const telnyx = await standIn(({ body }) =>
      JSON.stringify(body).includes('hello') ? [401, {}] : [422, { errors: [{ code: '10015', detail: 'Bad number' }] }],
    )
    const { use } = await gateway(own(telnyx.url))
    expect((await use('sms_send', text)).text).toContain('must give a new one')
    expect((await use('sms_send', { ...text, text: 'other' })).text).toContain('422: Bad number')
  })

  test('cannot be read here', async () => {
    expect((await (await gateway(own('http://127.0.0.1:1'))).use('sms_read')).text).toContain('arrives there')
  })
})
