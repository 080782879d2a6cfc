import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scoped, temporaryFolder } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { progressLine } from '../src/cli/follow.ts'
import { run } from '../src/cli/run.ts'
import { countRows, seedReady, testPool, type TestPool, trustImage } from './harness.ts'

async function cli(args: string[], pool?: Pick<TestPool, 'url' | 'key'>) {
  const out: string[] = []
  const err: string[] = []
  const env = pool ? { POOL_URL: pool.url, POOL_API_KEY: pool.key } : { POOL_URL: 'http://127.0.0.1:9', POOL_API_KEY: 'unused' }
  const code = await run(args, { env, out: (t) => void out.push(t), err: (t) => void err.push(t), progress: null })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

test('claim prints the agent and its invite, or everything as JSON', async () => {
  const pool = scoped(await testPool())
  const [id] = await seedReady(pool, 2)
  const shown = await cli(['claim', '--name', 'Ada'], pool)
  expect(shown.code).toBe(0)
  expect(shown.out).toMatch(/^agent +Ada\nstatus +done\n/)
  expect(shown.out).toMatch(`https://dev.convos.org/v2?i=${id}`)
  const { code, out } = await cli(['claim', '--json'], pool)
  expect([code, JSON.parse(out)]).toMatchObject([0, { status: 'done', agentName: 'Assistant' }])
})

test('a refusal is one readable line and exit code 1', async () => {
  const pool = scoped(await testPool())
  expect(await cli(['claim'], pool)).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(/^POOL_EMPTY: no instance is ready/),
  })
  const network = await cli(['claim', '--join', 'https://popup.convos.org/v2?i=x'], pool)
  expect(network.err).toMatch(/^WRONG_NETWORK: .*\n {2}joinUrl: /)
  expect(await cli(['status', '--key', 'wrong'], pool)).toEqual({
    code: 1,
    out: '',
    err: `UNAUTHORIZED: the pool at ${pool.url} does not know this key (POOL_API_KEY, --key)`,
  })
  expect(await cli(['status'])).toMatchObject({ code: 1, err: 'the pool at http://127.0.0.1:9 cannot be reached' })
})

test('what is no address is called wrongly; a pool elsewhere is not sent the key of the sandbox', async () => {
  for (const url of ['nonsense', 'pool.example.com', 'ftp://pool.example.com'])
    expect(await cli(['status', '--url', url])).toMatchObject({ code: 2, err: expect.stringMatching(`"${url}" is no address`) })
  const err: string[] = []
  const terminal = { env: {}, out: () => {}, err: (text: string) => void err.push(text), progress: null }
  expect(await run(['status', '--url', 'https://pool.example.com/'], terminal)).toBe(1)
  expect(err).toEqual(['no key for the pool at https://pool.example.com: set POOL_API_KEY'])
})

test('replenish and drain follow their operation to its end', async () => {
  const pool = scoped(await testPool())
  await trustImage(pool)
  expect(await cli(['replenish', '--count', '2'], pool)).toMatchObject({ code: 0, out: 'replenish done: 2 of 2 done, 0 failed' })
  expect(await countRows(pool.db, 'ready')).toBe(2)
  expect(await cli(['drain', '--all'], pool)).toMatchObject({ code: 0, out: 'drain done: 2 of 2 done, 0 failed' })
  expect(await cli(['drain', 'nobody'], pool)).toMatchObject({
    code: 1,
    out: 'drain failed: 0 of 1 done, 1 failed\n  nobody: there is no such instance',
  })
})

test('a replenish that is cut short says why', async () => {
  const pool = scoped(await testPool({ env: { POOL_MAX_TOTAL: '3' } }))
  await trustImage(pool)
  await seedReady(pool, 2)
  expect((await cli(['replenish', '--count', '4'], pool)).out).toBe(
    'replenish done: 1 of 1 done, 0 failed\n  4 were asked for: at most 3 instances are allowed, and 2 exist',
  )
})

test('keys are created, listed and revoked; the key is shown once', async () => {
  const pool = scoped(await testPool())
  const created = await cli(['keys', 'create', 'site', '--per-day', '5'], pool)
  const key = /convos_[\w-]+/.exec(created.out)?.[0] ?? ''
  expect(created).toMatchObject({ code: 0, out: expect.stringMatching(/^role +claimer$/m) })
  expect(await cli(['claim', '--key', key], pool)).toMatchObject({ code: 1, err: expect.stringMatching('POOL_EMPTY') })
  const listed = await cli(['keys', 'list'], pool)
  expect(listed.out).toMatch(/^\w{12} +site +claimer +60 +5 +\d{4}-\S+ +–$/m)
  expect(listed.out).not.toContain(key)
  expect(await cli(['keys', 'revoke', 'site'], pool)).toMatchObject({ code: 0, out: expect.stringMatching(/^revoked site /) })
  expect(await cli(['keys', 'revoke', 'site'], pool)).toMatchObject({ code: 1, err: 'there is no key "site"' })
  expect(await cli(['claim', '--key', key], pool)).toMatchObject({ code: 1, err: expect.stringMatching('UNAUTHORIZED') })
  for (const wrong of [['keys'], ['keys', 'create'], ['keys', 'create', 'a', 'b'], ['keys', 'create', 'a', '--role', 'admin']])
    expect(await cli(wrong, pool)).toMatchObject({ code: 2, err: expect.stringMatching('usage: keys') })
})

test('status shows counts and instances as a table', async () => {
  const pool = scoped(await testPool({ env: { POOL_MIN_IDLE: '0' } }))
  const [id] = await seedReady(pool, 1)
  const { code, out } = await cli(['status'], pool)
  expect(code).toBe(0)
  expect(out).toMatch(/1 idle · 0 claimed .*\(target 0 idle\)/)
  expect(out).toMatch(new RegExp(`^${id} +ready`, 'm'))
})

test('wrong use is exit code 2 with the usage; help is everywhere', async () => {
  for (const args of [
    ['nonsense'],
    ['claim', '--nonsense'],
    ['drain'],
    ['drain', '--all', '--count', '1'],
    ['replenish', '--count', 'x'],
  ])
    expect(await cli(args), args.join(' ')).toMatchObject({ code: 2, out: '' })
  expect((await cli(['drain'])).err).toMatch('usage: drain')
  for (const args of [['--help'], ['claim', '--help'], ['drain', '-h'], ['replenish', '--help'], ['status', '--help']])
    expect(await cli(args), args.join(' ')).toMatchObject({ code: 0, err: '' })
})

test('templates are made from a file, shown as what a file takes, changed, and taken out of use', async () => {
  const pool = scoped(await testPool())
  const folder = scoped(temporaryFolder('templates')).path
  const file = join(folder, 'planner.json')
  const content = { agentName: 'Planner', instructions: 'Plan.', tools: [{ id: 'email', provisioning: 'pool' }] }
  await writeFile(file, JSON.stringify(content))
  const made = await cli(['templates', 'create', file], pool)
  const id = /^tpl_\w+/.exec(made.out)?.[0] ?? ''
  expect(made).toMatchObject({ code: 0, out: `${id} (Planner, private)` })

  const shown = await cli(['templates', 'show', id], pool)
  await writeFile(file, JSON.stringify({ ...(JSON.parse(shown.out) as object), instructions: 'Plan well.' }))
  expect(await cli(['templates', 'update', id, file], pool)).toMatchObject({ code: 0, out: `${id} is at version 2` })
  expect((await cli(['templates', 'list'], pool)).out).toMatch(new RegExp(`^${id} +Planner +private +2 +email`, 'm'))
  expect((await cli(['templates', 'versions', id], pool)).out.split('\n')).toHaveLength(3)

  await seedReady(pool, 1)
  expect(await cli(['claim', '--template', id, '--once', 'k'], pool)).toMatchObject({ code: 0 })
  expect(await cli(['templates', 'delete', id], pool)).toMatchObject({ code: 0, out: `deleted ${id}` })
  expect(await cli(['templates', 'show', id], pool)).toMatchObject({ code: 1, err: expect.stringMatching('TEMPLATE_NOT_FOUND') })
  // the same claim again: it is found by its key, not made anew
  expect(await cli(['claim', '--template', id, '--once', 'k'], pool)).toMatchObject({ code: 0 })

  await writeFile(file, 'agentName: Planner')
  expect(await cli(['templates', 'create', file], pool)).toMatchObject({ code: 1, err: `${file} is not JSON` })
  expect(await cli(['templates', 'create', join(folder, 'none.json')], pool)).toMatchObject({ code: 1 })
  expect(await cli(['templates', 'make'], pool)).toMatchObject({ code: 2 })
})

test('progress is a bar that fills with what is over, whatever came of it', () => {
  const line = (done: number, failed: number, total: number) =>
    progressLine({ kind: 'drain', total, done, failed, waitsFor: null })
  expect(line(0, 0, 4)).toBe(`drain ${'░'.repeat(24)} 0 of 4 done`)
  expect(line(1, 1, 4)).toBe(`drain ${'█'.repeat(12)}${'░'.repeat(12)} 1 of 4 done, 1 failed`)
  expect(line(0, 0, 0)).toBe(`drain ${'░'.repeat(24)} 0 of 0 done`)
  const waitsFor = { code: 'PAUSED', reason: 'the refill is paused', until: null }
  expect(progressLine({ kind: 'rollout', total: 0, done: 0, failed: 0, waitsFor })).toMatch(/done; waits: the refill is paused$/)
})

test('reconcile tells what it found in tables, and changes nothing unless it is told to', async () => {
  const pool = scoped(await testPool())
  const finding = { provider: 'railway', resourceId: 'p1', instanceId: null, createdAt: null }
  pool.services.onReconcile = ({ dryRun }) => ({
    findings: [{ ...finding, kind: 'orphan', action: dryRun ? 'report' : 'destroy', reason: 'in no ledger' }],
  })
  const dry = await cli(['reconcile'], pool)
  expect(dry).toMatchObject({ code: 0, out: expect.stringMatching(/^nothing was changed .say --apply/) })
  expect(dry.out).toMatch(/^railway +p1 +– +orphan +report +in no ledger$/m)
  expect((await cli(['reconcile', '--apply'], pool)).out).toMatch(/^done\n/)
  expect(JSON.parse((await cli(['reconcile', '--json'], pool)).out)).toMatchObject({ kind: 'reconcile', state: 'done' })
})

test('rollout says what keeps it from beginning', async () => {
  const pool = scoped(await testPool())
  expect(await cli(['rollout'], pool)).toMatchObject({ code: 1, err: expect.stringMatching('IMAGE_UNKNOWN') })
  expect(await cli(['rollout', '--stop'], pool)).toMatchObject({
    code: 1,
    err: expect.stringMatching('no roll-out is under way'),
  })
})
