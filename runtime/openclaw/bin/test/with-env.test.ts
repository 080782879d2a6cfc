import { describe, expect, test } from 'vitest'
import { command, overlay } from './support.ts'

const print = (expression: string) => ['node', '-e', `process.stdout.write(String(${expression}))`]

describe('with-env', () => {
  test('runs a command with the overlay laid over the environment', async () => {
    const file = await overlay('{"CITY": "Oslo", "PLAIN": "laid over"}')
    const env = { AGENT_ENV_FILE: file, PLAIN: 'own' }
    expect(await command('with-env', print('process.env.CITY + " " + process.env.PLAIN'), { env })).toEqual({
      code: 0,
      out: 'Oslo laid over',
      err: '',
    })
  })

  test('hides keys and tokens that the command prints, wherever they come from', async () => {
    const file = await overlay('{"BANKR_API_KEY": "laid-over-secret"}')
    const env = { AGENT_ENV_FILE: file, PRIVATE_WALLET_KEY: '0x-own-secret' }
    const { out, err } = await command('with-env', ['sh', '-c', 'env; env >&2'], { env })
    for (const text of [out, err]) {
      expect(text).toContain('BANKR_API_KEY=[hidden]')
      expect(text).toContain('PRIVATE_WALLET_KEY=[hidden]')
      expect(text).not.toContain('secret')
    }
  })

  test('passes on what is typed and how the command ends', async () => {
    expect(await command('with-env', ['sh', '-c', 'cat; exit 3'], { stdin: 'typed' })).toEqual({ code: 3, out: 'typed', err: '' })
    expect(await command('with-env', ['sh', '-c', 'kill -TERM $$'])).toMatchObject({ code: 143 })
  })

  test('says how it is used, and what cannot be run', async () => {
    expect(await command('with-env', ['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('usage: with-env') })
    expect(await command('with-env', [])).toMatchObject({ code: 2, err: expect.stringContaining('usage: with-env') })
    expect(await command('with-env', ['no-such-command'])).toMatchObject({
      code: 127,
      err: expect.stringContaining('no-such-command'),
    })
  })
})
