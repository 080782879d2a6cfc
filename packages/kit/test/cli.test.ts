import { expect, test } from 'vitest'
import { type CommandSet, Refused, runCommand, Usage } from '../src/index.ts'
import { keptTerminal } from './terminal.ts'

const set: CommandSet<{ shop: string }> = {
  about: 'Works in a shop.',
  commands: [
    {
      name: 'buy',
      summary: 'buys something',
      usage: 'usage: buy THING [--many]',
      help: '  --many        more than one',
      options: { many: { type: 'boolean' } },
      positionals: true,
      run({ shop, terminal, values, positionals: [thing], json }) {
        if (thing === undefined) throw new Usage('say what')
        if (thing === 'moon') throw new Refused('that is not for sale')
        if (thing === 'trouble') throw new Error('a bug')
        terminal.out(json ? JSON.stringify({ thing }) : `${values['many'] === true ? 'many' : 'one'} ${thing} from ${shop}`)
        return Promise.resolve(0)
      },
    },
  ],
  options: { at: { type: 'string' } },
  optionsHelp: '  --at SHOP     which shop',
  within: ({ at }, work) => work({ shop: typeof at === 'string' ? at : 'anywhere' }),
}

async function run(...argv: string[]) {
  const { said, terminal } = keptTerminal()
  return { code: await runCommand(argv, terminal, set), ...said }
}

test('a command gets its own arguments, and what all commands work with', async () => {
  expect(await run('buy', 'hats', '--many', '--at', 'home')).toEqual({ code: 0, out: 'many hats from home', err: '' })
  expect(await run('buy', 'hat', '--json')).toEqual({ code: 0, out: '{"thing":"hat"}', err: '' })
})

test('called wrongly: what is wrong, and how it is called; exit code 2', async () => {
  for (const [argv, words] of [
    [['buy'], 'say what'],
    [['buy', 'hat', '--few'], '--few'],
  ] as const) {
    const { code, out, err } = await run(...argv)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(words)
    expect(err).toContain('usage: buy THING')
  }
})

test('refused: in words for people, and nothing else; exit code 1', async () => {
  expect(await run('buy', 'moon')).toEqual({ code: 1, out: '', err: 'that is not for sale' })
})

test('a bug is not dressed up as a refusal', async () => {
  await expect(run('buy', 'trouble')).rejects.toThrow('a bug')
})

test('every command, and all of them together, explain themselves', async () => {
  const one = await run('buy', '--help')
  expect(one.code).toBe(0)
  for (const words of ['usage: buy', '--many', '--at SHOP', '--json']) expect(one.out).toContain(words)
  expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('buys something') as string })
  expect(await run()).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Works in a shop') as string })
  expect(await run('sell')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('no command "sell"') as string })
})
