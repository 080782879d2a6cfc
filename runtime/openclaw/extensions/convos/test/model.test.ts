import { expect, test } from 'vitest'
import { claimedModel } from '../src/model.ts'
import { type ModelSource, readModelSource } from '../src/settings.ts'

test.each<[string | null, ModelSource, string | null]>([
  [null, 'openrouter', null],
  ['openrouter/acme/large', 'openrouter', 'acme/large'],
  ['acme/large:free', 'openrouter', 'acme/large:free'],
  ['openrouter/auto', 'openrouter', 'openrouter/auto'],
  ['anthropic/claude-sonnet-4.5', 'openrouter', 'anthropic/claude-sonnet-4.5'],
  ['anthropic/claude-sonnet-4.5', 'anthropic', 'claude-sonnet-4-5'],
  ['openrouter/anthropic/claude-sonnet-4.5', 'anthropic', 'claude-sonnet-4-5'],
  ['openrouter/auto', 'anthropic', null],
  [null, 'anthropic', null],
])('a claim’s %s is asked of %s as %s', (asked, source, name) => {
  expect(claimedModel(asked, source)).toEqual(name === null ? null : { provider: source, name })
})

test('a model that Anthropic does not have is refused where it is the only source', () => {
  expect(() => claimedModel('acme/large', 'anthropic')).toThrow(
    expect.objectContaining({ name: 'AgentFailed', status: 404, message: expect.stringContaining('acme/large') as string }),
  )
})

test.each([
  [{}, 'openrouter'],
  [{ OPENROUTER_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' }, 'openrouter'],
  [{ OPENROUTER_API_KEY: '', ANTHROPIC_API_KEY: 'k' }, 'anthropic'],
])('with %j models are asked of %s', (env, source) => {
  expect(readModelSource(env)).toBe(source)
})
