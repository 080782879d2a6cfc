import { describe, expect, test } from 'vitest'
import { composeReply } from '../src/simulators/openrouter/reply.ts'

const reply = (system: string, user: string) =>
  composeReply([
    { role: 'system', content: system },
    { role: 'user', content: user },
  ])

const PIRATE = 'You are a pirate who plans trips to Tokyo.'

describe('composeReply', () => {
  test('speaks as whom the instructions describe, and repeats what was said', () => {
    expect(reply(PIRATE, 'I like ramen')).toBe(
      'Speaking as a pirate who plans trips to Tokyo: you said “I like ramen”. Tell me more, and we take it from there.',
    )
  })

  test('greets back', () => {
    expect(reply(PIRATE, 'hello')).toMatch(/^Hello\. Speaking as a pirate .*: you said “hello”\./)
  })

  test('takes a question as a question', () => {
    expect(reply(PIRATE, 'Where should I eat?')).toContain('you asked “Where should I eat?”')
  })

  test('bears the first further instruction in mind, so that a change of instructions shows', () => {
    expect(reply(`${PIRATE} Always mention cherry blossoms.`, 'hi')).toContain('“Always mention cherry blossoms.”')
    expect(reply('Answer in haiku.', 'I am tired')).toContain('“Answer in haiku.”')
  })

  test('uses the name it was given', () => {
    expect(reply('Your name is Momo. You are a baker.', 'hi')).toMatch(/^Hello\. Momo here, speaking as a baker:/)
    expect(reply('Your name is Momo.', 'two loaves')).toMatch(/^Momo here: you said “two loaves”\./)
  })

  test.each([
    ['You are Captain Nemo.', 'Speaking as Captain Nemo'],
    ['You are brief and kind.', 'Being brief and kind'],
    ['', 'Thank you for your message'],
  ])('has a fitting opening for %j', (system, opening) => {
    expect(reply(system, 'good')).toMatch(new RegExp(`^${opening}:`))
  })

  test('answers the last thing a person said, not the context that the gateway adds after it', () => {
    const answer = composeReply([
      { role: 'system', content: PIRATE },
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'Aye.' },
      { role: 'user', content: [{ type: 'text', text: 'second' }] },
      { role: 'user', content: '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> secret state' },
    ])
    expect(answer).toContain('you said “second”')
    expect(answer).not.toMatch(/first|secret state/)
  })

  test('finds the instructions in the prompt of the gateway, and the words in what it wraps around them', () => {
    const system =
      'You are a personal assistant running inside OpenClaw.\n## Tooling\nTools are listed below.\n# SOUL.md\nYou are a baker in Lyon.\n- Never sell yesterday’s bread.'
    const user =
      '[Sat 2026-11-21 11:28 UTC] Conversation info: ⟦openclaw:ctx⟧\n```json\n{"sender":"Alice"}\n```\n\nDo you have rye?\n\nRuntime: agent=main | host=x'
    expect(reply(system, user)).toMatch(
      /^Speaking as a baker in Lyon: you asked “Do you have rye\?” I keep in mind: “Never sell yesterday’s bread\.”/,
    )
  })

  test('opens a conversation in which nobody has spoken', () => {
    expect(composeReply([{ role: 'system', content: PIRATE }])).toBe(
      'Speaking as a pirate who plans trips to Tokyo: how can I help?',
    )
  })

  test('quotes long messages on one line, cut', () => {
    const answer = reply(PIRATE, `line one\nline two ${'x'.repeat(1000)}`)
    expect(answer).toContain('“line one line two xxx')
    expect(answer.length).toBeLessThan(400)
  })
})

test('manners that every agent is given are not taken for its instructions, nor the name before a message for what was said', () => {
  const system = 'Your name is Tokyo guide.\n\nYou are a pirate who plans trips to Tokyo.\n\nAnswer the latest message.'
  const said = composeReply([
    { role: 'system', content: system },
    { role: 'user', content: 'Ada: What should I see first?' },
  ])
  expect(said).toContain('pirate who plans trips to Tokyo')
  expect(said).toContain('“What should I see first?”')
  expect(said).not.toContain('latest message')
})
