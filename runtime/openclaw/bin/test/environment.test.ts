import { describe, expect, test } from 'vitest'
import { currentVars, secretsOf } from '../src/environment.ts'
import { overlay } from './support.ts'

describe('the variables of the agent’s tools', () => {
  test('are the process’s own, and those laid over win', async () => {
    const file = await overlay('{"A": "laid over", "C": "new"}')
    expect(currentVars({ AGENT_ENV_FILE: file, A: 'own', B: 'own' })).toEqual({
      AGENT_ENV_FILE: file,
      A: 'laid over',
      B: 'own',
      C: 'new',
    })
  })

  test('are there without an overlay, or without its file', () => {
    expect(currentVars({ A: 'own' })).toEqual({ A: 'own' })
    expect(currentVars({ A: 'own', AGENT_ENV_FILE: '/nowhere/env.json' })).toMatchObject({ A: 'own' })
  })

  test('are not set when they are empty', async () => {
    const file = await overlay('{"A": ""}')
    expect(currentVars({ AGENT_ENV_FILE: file, A: 'own', B: '' })).toEqual({ AGENT_ENV_FILE: file })
  })

  test.each(['{"A_TOKEN": "value-of-a', '["value-of-a"]', '{"A_TOKEN": {"value-of-a": 1}}'])(
    'are not guessed when the file holds something else, and it is not quoted: %s',
    async (text) => {
      const file = await overlay(text)
      const read = () => currentVars({ AGENT_ENV_FILE: file })
      expect(read).toThrow('does not hold variables')
      expect(read).not.toThrow('value-of-a')
    },
  )

  test('hold secrets, known by their names', () => {
    const vars = {
      X_API_KEY: 'a-secret',
      X_TOKEN: 'a-longer-secret',
      SOME_KEY: 'short',
      AGENTMAIL_INBOX_ID: 'a@b.example',
      PATH: '/usr/bin',
    }
    expect(secretsOf(vars)).toEqual(['a-longer-secret', 'a-secret'])
  })
})
