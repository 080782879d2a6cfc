import type { OfferedTool } from '@convos/pool/contract'
import { render, screen } from '@testing-library/react'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commandsFor, matching } from '../src/frame/commands.ts'
import { diffLines, hunksOf } from '../src/templates/diff.ts'
import { bodyOf, changedFields, copyOf, EMPTY, faultsOf, namedFaults } from '../src/templates/draft.ts'
import { agentsOf, shownTemplates } from '../src/templates/listing.ts'
import { Markdown } from '../src/templates/markdown.tsx'
import { alwaysThere, toolChoices, withMode } from '../src/templates/tools.ts'
import { opened, viewFrom } from '../src/templates/view.ts'
import { anInstance, aTemplate, sms } from './support/data.ts'

const text = fc.array(fc.constantFrom('', 'a', 'b', 'c', 'd'), { maxLength: 30 }).map((lines) => lines.join('\n'))
const side = (lines: ReturnType<typeof diffLines>, without: 'added' | 'removed') =>
  lines
    .filter(({ kind }) => kind !== without)
    .map((line) => line.text)
    .join('\n')

describe('a diff', () => {
  test('holds both texts, whatever they are', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after)
        expect(side(lines, 'added')).toBe(before)
        expect(side(lines, 'removed')).toBe(after)
      }),
    )
  })

  test('of a text with itself changes nothing', () => {
    fc.assert(
      fc.property(text, (same) => {
        expect(diffLines(same, same).every(({ kind }) => kind === 'same')).toBe(true)
      }),
    )
  })

  test('is the least that there is', () => {
    const lines = diffLines('one\ntwo\nthree\nfour', 'one\nthree\nfour\nfive')
    expect(lines.map(({ kind, text: line }) => `${kind} ${line}`)).toEqual([
      'same one',
      'removed two',
      'same three',
      'same four',
      'added five',
    ])
  })

  test('of texts that have nothing in common replaces one by the other, in no time', () => {
    const many = (letter: string) => Array.from({ length: 20_000 }, (_, n) => `${letter}${n}`).join('\n')
    const begun = performance.now()
    expect(diffLines(many('a'), many('b'))).toHaveLength(40_000)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })

  test('shows what was changed with three lines around, and says how much it leaves out', () => {
    const before = Array.from({ length: 20 }, (_, n) => String(n))
    const hunks = hunksOf(diffLines(before.join('\n'), before.toSpliced(10, 1, 'ten').join('\n')))
    expect(hunks.map((hunk) => ('left' in hunk ? hunk.left : hunk.lines.length))).toEqual([7, 8, 6])
  })
})

describe('Markdown', () => {
  test('is drawn as elements, below the headings of the page', () => {
    render(<Markdown text={'# Who\n\nYou **plan**.\n\n- one\n- [x] two\n\n| a |\n|---|\n| b |\n\n3. third'} />)
    screen.getByRole('heading', { level: 3, name: 'Who' })
    expect(screen.getByText('plan').tagName).toBe('STRONG')
    expect(screen.getAllByRole('listitem').map((item) => item.textContent)).toEqual(['one', '☑ two', 'third'])
    screen.getByRole('columnheader', { name: 'a' })
    expect(screen.getAllByRole('list')[1]?.getAttribute('start')).toBe('3')
  })

  test('brings no HTML, no scripts and no images of others into the page', () => {
    const { container } = render(
      <Markdown
        text={
          '<script>alert(1)</script>\n\nA <img src=x onerror=alert(1)> ![cat](https://example.com/cat.png)\n\n[bad](javascript:alert(1)) [worse](data:text/html,x) [here](/api) [good](https://example.com/)'
        }
      />,
    )
    expect(container.querySelectorAll('script, img, [onerror]')).toHaveLength(0)
    expect(container.textContent).toContain('<script>alert(1)</script>')
    const links = [...container.querySelectorAll('a')]
    expect(links.map(({ href }) => href)).toEqual(['https://example.com/cat.png', 'https://example.com/'])
    expect(links.every(({ rel }) => rel === 'noreferrer')).toBe(true)
  })

  test('never fails, whatever is typed', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('#', '*', '[', ']', '(', ')', '`', '|', '-', '\n', ' ', '<', '>', 'a') }),
        (typed) => {
          render(<Markdown text={typed} />).unmount()
        },
      ),
    )
  })
})

const email: OfferedTool = { toolId: 'email', name: 'AgentMail', provisioning: ['pool'], available: true, userConfig: null }
const wallet: OfferedTool = { toolId: 'wallet', name: 'Wallet', provisioning: ['always'], available: true, userConfig: null }

describe('the tools of a template', () => {
  test('are chosen in the modes that they are made for, and say what a claimer will be asked for', () => {
    const draft = { ...EMPTY, tools: [{ id: 'sms', provisioning: 'user' as const }] }
    expect(toolChoices(draft, [email, sms, wallet])).toEqual([
      { id: 'email', name: 'Email', mode: null, modes: { pool: true }, asks: [] },
      { id: 'sms', name: 'SMS', mode: 'user', modes: { pool: true, user: true }, asks: ['Telnyx API key', 'Telnyx phone'] },
    ])
    expect(alwaysThere([email, sms, wallet])).toEqual(['Wallet'])
  })

  test('that are not to be had say so; a claimer can bring one all the same', () => {
    const [choice] = toolChoices(EMPTY, [{ ...sms, available: false }])
    expect(choice?.modes).toEqual({ pool: 'it is not available here', user: true })
  })

  test('that are not offered any more stay in sight, to be switched off', () => {
    const draft = {
      ...EMPTY,
      tools: [
        { id: 'fax', provisioning: 'pool' as const },
        { id: 'email', provisioning: 'user' as const },
      ],
    }
    expect(toolChoices(draft, [email]).map(({ id, mode, modes }) => [id, mode, modes])).toEqual([
      ['email', 'user', { pool: true, user: 'it is not offered like that any more' }],
      ['fax', 'pool', { pool: 'it is not offered any more' }],
    ])
    expect(withMode(draft.tools, 'fax', null)).toEqual([{ id: 'email', provisioning: 'user' }])
  })
})

describe('a draft', () => {
  const template = aTemplate({
    tools: [
      { id: 'email', provisioning: 'pool' },
      { id: 'sms', provisioning: 'user' },
    ],
  })

  test('differs from what is saved by what would be saved', () => {
    expect(changedFields(template, { ...template, agentName: ' trip-planner ', tools: template.tools.toReversed() })).toEqual([])
    expect(changedFields(template, { ...template, instructions: 'Other.', visibility: 'private' })).toEqual([
      'instructions',
      'visibility',
    ])
    expect(changedFields(template, { ...template, model: { default: '  ', allow_override: true } })).toEqual([])
  })

  test('is sent without blanks around its name, and an empty model is none', () => {
    const body = bodyOf({ ...template, agentName: ' a ', model: { default: ' ', allow_override: false } })
    expect(body).toMatchObject({ agentName: 'a', model: { default: null, allow_override: false } })
  })

  test('is held against the contract before it is sent', () => {
    expect(Object.keys(faultsOf({ ...EMPTY, agentName: ' ' }))).toEqual(['agentName'])
    expect(faultsOf({ ...EMPTY, agentName: 'x'.repeat(65) })).toEqual({ agentName: 'At most 64 characters.' })
    expect(faultsOf({ ...EMPTY, agentName: 'a', instructions: 'é'.repeat(40_000) })).toEqual({
      instructions: 'Must be at most 64 KiB.',
    })
    expect(faultsOf({ ...EMPTY, agentName: 'a', model: { default: 'm'.repeat(201), allow_override: true } })).toEqual({
      'model.default': 'At most 200 characters.',
    })
  })

  test('copied is private, and its name is cut between letters', () => {
    const copy = copyOf(aTemplate({ agentName: `${'x'.repeat(55)}👩‍👩‍👧‍👦!!!`, visibility: 'public' }))
    expect(copy).toMatchObject({ agentName: `${'x'.repeat(55)} copy`, visibility: 'private' })
    expect(faultsOf(copy)).toEqual({})
  })

  test('knows the tool that a fault is about', () => {
    const fields = [
      { path: 'tools.1.provisioning', message: 'no' },
      { path: 'tools', message: 'too many' },
      { path: 'agentName', message: 'bad' },
    ]
    expect(namedFaults(fields, template).map(({ path }) => path)).toEqual(['tools.sms', 'tools', 'agentName'])
  })
})

describe('the list', () => {
  const mine = aTemplate({ id: 'a', creatorId: 'me', updatedAt: '2030-01-01T00:00:00.000Z' })
  const theirs = aTemplate({ id: 'b', visibility: 'private', updatedAt: '2030-01-02T00:00:00.000Z' })
  const ids = (share: 'mine' | 'public' | 'private' | null, search = '') =>
    shownTemplates([mine, theirs], { text: search, share }, { principal: 'me' }).map(({ id }) => id)

  test('is of whose it is and who may see it, what was changed last first', () => {
    expect([ids(null), ids('mine'), ids('public'), ids('private'), ids(null, 'nothing')]).toEqual([
      ['b', 'a'],
      ['a'],
      ['a'],
      ['b'],
      [],
    ])
  })

  test('counts the agents of each', () => {
    const of = (templateId: string | null) => anInstance({ templateId })
    expect([...agentsOf([of('a'), of(null), of('a'), of('b')])]).toEqual([
      ['a', 2],
      ['b', 1],
    ])
  })

  test('and what is open are in the address; what it cannot mean is left out', () => {
    expect(viewFrom({ q: 'x', show: 'mine', open: 'a', tab: 'history', version: '3', against: 'now' })).toEqual({
      text: 'x',
      share: 'mine',
      open: 'a',
      from: '',
      tab: 'history',
      version: 3,
      against: 'now',
    })
    expect(viewFrom({ show: 'nobody', tab: 'x', version: '0' })).toMatchObject({ share: null, tab: 'edit', version: null })
    expect(opened('b')({ q: 'x', show: 'mine', open: 'a', tab: 'history', version: '3' })).toMatchObject({
      q: 'x',
      open: 'b',
      show: 'mine',
    })
    expect(opened('b')({ tab: 'history' })['tab']).toBeUndefined()
  })
})

test('the palette makes a template, and finds one by its name', () => {
  const commands = commandsFor('claimer', { instances: [], templates: [aTemplate({ agentName: 'Trip planner' })] })
  expect(matching(commands, 'new templ')[0]?.goTo).toEqual({ to: '/templates', search: { open: 'new' } })
  expect(matching(commands, 'trip')[0]?.goTo).toEqual({ to: '/templates', search: { open: 'tpl_1' } })
})
