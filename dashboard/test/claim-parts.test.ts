import type { Claim } from '@convos/pool/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressesOf } from '../src/claim/Addresses.tsx'
import { credentialFaults, fieldsOf, labelOf, toolsAsked, userConfigOf } from '../src/claim/credentials.ts'
import { likely } from '../src/claim/heard.ts'
import { checkInvite } from '../src/claim/invite.ts'
import { claimLabel } from '../src/claim/label.ts'
import { stepsOf } from '../src/claim/steps.ts'
import { gist } from '../src/claim/templates.ts'
import { formatDuration } from '../src/ui/format.ts'
import { aClaim, aTemplate, sms } from './support/data.ts'

const attempt = {
  key: 'k',
  startedAt: Date.parse('2030-01-01T00:00:05Z'),
  name: 'tokyo',
  tools: false,
  secret: false,
  body: { waitMs: 0 },
}

describe('the claim button', () => {
  test.each([
    [{ ready: undefined, etaSeconds: null, queueDepth: null }, 'Claim agent'],
    [{ ready: 5, etaSeconds: 40, queueDepth: 2 }, 'Claim agent — 5 ready'],
    [{ ready: 0, etaSeconds: null, queueDepth: null }, 'Wait for an agent'],
    [{ ready: 0, etaSeconds: 40, queueDepth: 2 }, 'Wait for an agent, about 40 s, 2 ahead of you'],
  ])('%j: %s', (supply, label) => expect(claimLabel(supply)).toBe(label))
})

describe('an invite, as it is typed', () => {
  test.each([
    ['', 'empty'],
    ['htt', 'unfinished'],
    ['https://dev.convos.org/v', 'unfinished'],
    ['https://dev.convos.org/v2?i=', 'unfinished'],
    ['https://dev.convos.org/v2?i=abc', 'good'],
    ['http://localhost:1234/v2?i=abc', 'good'],
    ['https://popup.convos.org/v2?i=abc', 'wrong'],
    ['hello there', 'wrong'],
    ['javascript:alert(1)', 'wrong'],
  ])('“%s” is %s', (typed, verdict) => expect(checkInvite(typed, 'staging').verdict).toBe(verdict))

  test('is never called wrong while a good one is being typed', () => {
    const whole = 'https://dev.convos.org/v2?i=abc'
    for (let n = 0; n <= whole.length; n++) expect(checkInvite(whole.slice(0, n), 'dev').verdict).not.toBe('wrong')
  })
})

describe('credentials', () => {
  const texter = aTemplate({ tools: [{ id: 'sms', provisioning: 'user' }] })
  const asked = toolsAsked(texter, [sms])

  test('are asked for as the schema of the tool says', () => {
    expect(asked).toMatchObject([{ name: 'Telnyx', fields: [{ label: 'Telnyx API key', secret: true }, { secret: false }] }])
    expect(toolsAsked(aTemplate({ tools: [{ id: 'sms', provisioning: 'pool' }] }), [sms])).toEqual([])
    expect(labelOf('account_sid')).toBe('Account SID')
  })

  test('that a form cannot ask for are not asked for by halves', () => {
    expect(fieldsOf({ type: 'object', properties: { a: { type: 'string' }, b: { type: 'object' } } })).toBeNull()
    expect(fieldsOf({ type: 'string' })).toBeNull()
  })

  test('numbers, choices and yes or no are sent as what they are', () => {
    const fields = fieldsOf({
      properties: {
        port: { type: 'integer' },
        region: { enum: ['eu', 'us'] },
        on: { type: 'boolean' },
        note: { type: 'string' },
      },
      required: ['port'],
    })
    const tools = [{ toolId: 't', name: 'T', fields }]
    const typed = { t: { port: ' 25 ', region: 'eu', on: 'true', note: '' } }
    expect(credentialFaults(tools, typed)).toEqual({})
    expect(userConfigOf(tools, typed)).toEqual({ t: { port: 25, region: 'eu', on: true } })
    expect(credentialFaults(tools, { t: { port: 'x' } })).toEqual({ 'userConfig.t.port': 'This is not a number.' })
  })

  test('are sent only when they hold', () =>
    fc.assert(
      fc.property(fc.string(), fc.string(), (telnyxApiKey, telnyxPhone) => {
        const typed = { sms: { telnyxApiKey, telnyxPhone } }
        if (Object.keys(credentialFaults(asked, typed)).length > 0) return
        const sent = userConfigOf(asked, typed)?.['sms']
        expect(sent?.['telnyxApiKey']).toMatch(/^[\x21-\x7e]{1,256}$/)
        expect(sent?.['telnyxPhone']).toMatch(/^\+[1-9]\d{6,14}$/)
      }),
    ))
})

describe('the way of a claim', () => {
  const names = (tools: boolean, steps: Claim['steps'] | null = null) =>
    stepsOf({ ...attempt, tools }, steps && aClaim({ steps })).map(({ name }) => name)
  const step = (name: Claim['steps'][number]['name']) => ({
    name,
    state: 'done' as const,
    startedAt: '2030-01-01T00:00:05Z',
    ms: 1,
  })

  test('shows from the beginning that its tools will be made', () => {
    expect(names(false)).toEqual(['Take a ready agent', 'Give it its name and instructions', 'Hand it over'])
    expect(names(true)).toEqual([
      'Take a ready agent',
      'Provision its tools',
      'Give it its name and instructions',
      'Hand it over',
    ])
    expect(names(true, [step('queued')])).toEqual(names(true))
  })

  test('leaves out what pool went past without it', () =>
    expect(names(true, [step('queued'), step('configure')])).toEqual(names(false)))
})

test('an agent is reached at what people can read of its tools', () => {
  const tool = (toolId: string, resourceId: string | null) => ({ toolId, resourceId, state: 'active' })
  const wallet = `0x${'Ab'.repeat(20)}`
  expect(
    addressesOf([
      tool('openrouter', 'ab'.repeat(32)),
      tool('wallet', wallet),
      tool('sms', '1819628476337223021'),
      tool('crypto', null),
      tool('email', 'agent@agentmail.to'),
    ]),
  ).toEqual([
    { name: 'Email', address: 'agent@agentmail.to' },
    { name: 'Wallet', address: wallet },
  ])
})

describe('the beginning of instructions', () => {
  test.each([
    [
      '# Tokyo\n\nYou plan **trips**.\n\n- ask [when](https://a.test)\n1. be `brief`',
      'Tokyo\n\nYou plan trips.\n\nask when\nbe brief',
    ],
    ['```sh\nls *.ts my_file\n```', 'ls *.ts my_file'],
    ['Two * three # four - five', 'Two * three # four - five'],
    ['**', '**'],
  ])('%j is told as %j', (instructions, told) => expect(gist(instructions)).toBe(told))
})

test.each([
  [85, '85 ms'],
  [1200, '1.2 s'],
  [60_000, '1 min'],
  [125_900, '2 min 5 s'],
  [2_400_000, '40 min'],
  [12_000_000, '3 h 20 min'],
])('%d ms took %s', (ms, words) => expect(formatDuration(ms)).toBe(words))

describe('a claim that is heard of before it is answered', () => {
  const heard = (parts = {}) => aClaim({ agentName: 'tokyo', status: 'running', createdAt: '2030-01-01T00:00:05.200Z', ...parts })

  test('is the one that was just begun under this name', () => {
    expect(likely(attempt, [heard(), heard({ claimId: 'other', agentName: 'kyoto' })])?.claimId).toBe('clm_1')
    expect(likely(attempt, [heard({ createdAt: '2029-12-31T00:00:00Z' })])).toBeNull()
  })

  test('is nobody’s where two could be meant', () => expect(likely(attempt, [heard(), heard({ claimId: 'other' })])).toBeNull())
})
