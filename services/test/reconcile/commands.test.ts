import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { connectDatabase, createLogger, type Database, readMeta } from '@convos/kit'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { reencryptAll } from '../../src/cli/reencrypt.ts'
import { run } from '../../src/cli/run.ts'
import { createVault, type EncryptionKey, type Vault } from '../../src/crypto.ts'
import { testEnv } from '../support/config.ts'
import { newId, servicesDatabase } from '../support/harness.ts'
import { createReconcileHarness, type ReconcileHarness } from './support.ts'

/** What an operator runs on the database of services. */
let h: ReconcileHarness
let env: Record<string, string>
const [older, newer]: [EncryptionKey, EncryptionKey] = [
  { id: 'k_1', key: randomBytes(32) },
  { id: 'k_2', key: randomBytes(32) },
]
const setting = (...keys: EncryptionKey[]) => keys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(',')
const [before, after] = [createVault([older]), createVault([newer, older])]

beforeAll(async () => {
  h = await createReconcileHarness(inject('postgresUrl'))
  env = testEnv({ DATABASE_URL: h.database.url, SERVICES_ENCRYPTION_KEYS: setting(newer, older) })
})
beforeEach(async () => {
  await h.clear()
  await h.ownDatabase()
})
afterAll(() => h.close())

/** One command, as in a terminal where `answer` is typed, or where nobody is. */
async function command(argv: string[], p: { answer?: string; env?: Record<string, string> } = {}) {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await run(argv, {
    env: p.env ?? env,
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    progress: null,
    ask: p.answer === undefined ? null : () => Promise.resolve(p.answer ?? ''),
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const COLUMNS = ['desired_env', 'gateway_token', 'control_token', 'services_token'] as const

/** An instance that runs, with a tool, everything sealed by `vault`. */
async function sealedInstance(vault: Vault) {
  const id = newId()
  const secrets = COLUMNS.map((column) => vault.seal(`${column} of ${id}`, `instance_infra/${id}/${column}`))
  await h.rows(
    `insert into instance_infra (instance_id, phase, project_name, image, place, url, deployment_id, next_probe_at, next_lookup_at,
       claim_id, services_token_hash, desired_env, gateway_token, control_token, services_token)
     values ($1, 'running', $1, 'image', jsonb_build_object('projectId', $1::text), 'http://x', 'd', clock_now(), clock_now(), 'claim-7', $1, $2, $3, $4, $5)`,
    [id, ...secrets],
  )
  return { id, tool: await sealedTool(id, vault) }
}
async function sealedTool(instanceId: string, vault: Vault, p: { state?: string; key?: `0x${string}` } = {}) {
  const { state = 'active', key = `0x${randomBytes(32).toString('hex')}` } = p
  const [rowId, address] = [crypto.randomUUID(), privateKeyToAccount(key).address]
  const secret = vault.seal(JSON.stringify({ PRIVATE_WALLET_KEY: key }), `instance_services/${rowId}/secret`)
  await h.rows(
    `insert into instance_services (id, instance_id, tool_id, kind, state, resource_id, secret, retained_until)
     values ($1, $2, 'wallet', 'wallet', $3, $4, $5, case when $3 = 'retained' then clock_now() + interval '30 days' end)`,
    [rowId, instanceId, state, address, secret],
  )
  return { rowId, key, address }
}
const sealedTexts = async () => {
  const infra = await h.rows<Record<string, string>>(`select ${COLUMNS.join(', ')} from instance_infra`)
  const tools = await h.rows<Record<string, string>>('select secret from instance_services')
  return [...infra, ...tools].flatMap((row) => Object.values(row)).filter((text) => text !== null)
}

describe('reencrypt', () => {
  const resealAll = (batch?: number) =>
    reencryptAll({ db: h.ctx.db, vault: after, newestKeyId: newer.id, ...(batch === undefined ? {} : { batch }) })

  test('seals everything with the newest key, so that the older one can go', async () => {
    const { id, tool } = await sealedInstance(before)
    await sealedInstance(after)
    const { code, out } = await command(['reencrypt'])
    expect([code, out]).toEqual([0, '2 rows sealed with "k_2", 0 values cannot be opened'])
    const newest = createVault([newer])
    const [row] = await h.rows<Record<string, string>>('select control_token from instance_infra where instance_id = $1', [id])
    expect(newest.open(row?.['control_token'] ?? '', `instance_infra/${id}/control_token`)).toBe(`control_token of ${id}`)
    const [secret] = await h.rows<{ secret: string }>('select secret from instance_services where id = $1', [tool.rowId])
    expect(newest.open(secret?.secret ?? '', `instance_services/${tool.rowId}/secret`)).toContain(tool.key)
    expect((await sealedTexts()).every((text) => text.startsWith('v1.k_2.'))).toBe(true)
  })

  test('goes through any number of rows, and has nothing to do the second time', async () => {
    for (let i = 0; i < 7; i++) await sealedInstance(before)
    expect(await resealAll(2)).toEqual({ resealed: 14, faults: [], unsettled: 0 })
    const texts = await sealedTexts()
    expect(await resealAll(2)).toEqual({ resealed: 0, faults: [], unsettled: 0 })
    expect(await sealedTexts()).toEqual(texts)
  })

  test('what a running service writes meanwhile stays, and is sealed anew itself', async () => {
    const { id } = await sealedInstance(before)
    const place = `instance_infra/${id}/desired_env`
    const done = await h.meanwhile(
      [['update instance_infra set desired_env = $2 where instance_id = $1', [id, before.seal('written meanwhile', place)]]],
      'update instance_infra set desired_env',
      () => resealAll(),
    )
    expect(done).toEqual({ resealed: 2, faults: [], unsettled: 0 })
    const [row] = await h.rows<{ sealed: string }>('select desired_env as sealed from instance_infra')
    expect(row?.sealed).toMatch(/^v1\.k_2\./)
    expect(after.open(row?.sealed ?? '', place)).toBe('written meanwhile')
  })

  test('what a service with older keys adds behind its back is found all the same', async () => {
    for (let i = 0; i < 2; i++) await sealedInstance(before)
    let added = 0
    const db = {
      query: async (statement: { name?: string; values?: unknown[] }) => {
        if (statement.name === 'read_stale_instances' && statement.values?.[1] !== null && added++ === 0) {
          const { id } = await sealedInstance(before)
          await h.rows('delete from instance_services where instance_id = $1', [id])
          const place = 'instance_infra/000000000000/control_token'
          await h.rows(
            `update instance_infra set instance_id = '000000000000', desired_env = null, gateway_token = null, services_token = null,
               control_token = $2 where instance_id = $1`,
            [id, before.seal('late', place)],
          )
        }
        return h.ctx.db.query(statement as never)
      },
    } as unknown as Database
    expect(await reencryptAll({ db, vault: after, newestKeyId: newer.id })).toEqual({ resealed: 5, faults: [], unsettled: 0 })
    expect((await sealedTexts()).every((text) => text.startsWith('v1.k_2.'))).toBe(true)
  })

  test('secrets that a destroyed instance forgot meanwhile do not come back', async () => {
    await sealedInstance(before)
    const done = await h.meanwhile(
      [['update instance_infra set desired_env = null, gateway_token = null, control_token = null, services_token = null', []]],
      'update instance_infra set desired_env',
      () => resealAll(),
    )
    expect(done).toEqual({ resealed: 1, faults: [], unsettled: 0 })
    expect(await h.rows('select desired_env, gateway_token, control_token, services_token from instance_infra')).toEqual([
      { desired_env: null, gateway_token: null, control_token: null, services_token: null },
    ])
  })

  test('what cannot be opened is named and left, and everything else is sealed all the same', async () => {
    const { id, tool } = await sealedInstance(before)
    const lost = createVault([{ id: 'lost', key: randomBytes(32) }]).seal('x', `instance_infra/${id}/gateway_token`)
    await h.rows('update instance_infra set gateway_token = $1', [lost])
    await h.rows('update instance_services set secret = overlay(secret placing $1 from length(secret) - 3)', ['AAAA'])
    const { code, out, err } = await command(['reencrypt', '--json'])
    expect(code).toBe(1)
    const { faults } = JSON.parse(out) as { faults: string[] }
    expect(faults).toEqual([
      expect.stringMatching(new RegExp(`^instance_infra/${id}/gateway_token was sealed with key "lost"`)),
      expect.stringMatching(new RegExp(`^instance_services/${tool.rowId}/secret: `)),
    ])
    expect(err.split('\n')).toEqual(faults)
    for (const sealed of await sealedTexts()) expect(out + err).not.toContain(sealed)
    const [row] = await h.rows<Record<string, string>>('select gateway_token, control_token from instance_infra')
    expect([row?.['gateway_token'], row?.['control_token']?.startsWith('v1.k_2.')]).toEqual([lost, true])
  })
})

describe('detach', () => {
  test('leaves nothing of the original that any loop or request would touch', async () => {
    const { id } = await sealedInstance(after)
    await sealedTool(id, after, { state: 'retained' })
    const busy = await sealedInstance(after)
    await h.rows(
      `update instance_infra set runner_id = 'r', lease_until = clock_now() - interval '1 s', next_run_at = clock_now(), urgent = true,
         phase = 'destroying', wish = 'absent' where instance_id = $1`,
      [busy.id],
    )
    await h.rows(`insert into strays (provider, resource_id) values ('fake', 'x')`)
    const meta = await readMeta(h.ctx.db)

    const { code, out } = await command(['detach', '--yes', '--force', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({ deploymentId: expect.any(String) as string, instances: 2, resources: 2, retained: 1 })

    const fresh = await readMeta(h.ctx.db)
    expect([fresh.environment, fresh.deploymentId === meta.deploymentId]).toEqual([meta.environment, false])
    expect(fresh.deploymentId).toMatch(/^[0-9a-f]{8}$/)
    const infra = await h.rows(
      `select distinct phase, place, url, deployment_id, health, desired_env, gateway_token, control_token, services_token,
         services_token_hash, runner_id, lease_until, next_run_at, next_probe_at, next_lookup_at, urgent from instance_infra`,
    )
    const nothing = Object.fromEntries(
      ['url', 'deployment_id', 'health', ...COLUMNS, 'services_token_hash', 'runner_id', 'lease_until', 'next_run_at'].map(
        (c) => [c, null],
      ),
    )
    expect(infra).toEqual([
      { ...nothing, phase: 'destroyed', place: {}, next_probe_at: null, next_lookup_at: null, urgent: false },
    ])
    expect(await h.rows('select wish from instance_infra order by wish')).toEqual([{ wish: 'absent' }, { wish: 'present' }])
    const tools = await h.rows('select distinct state, resource_id, secret, retained_until from instance_services')
    expect(tools).toEqual([{ state: 'destroyed', resource_id: null, secret: null, retained_until: null }])
    expect(await h.rows('select from strays')).toEqual([])
    expect(await h.pass()).toEqual([])
    // neither the runner nor anybody else asked a provider for anything
    expect([...h.infraFaults.calls.keys()]).toEqual([])
  })

  test('a service that ran on meanwhile does not take what the original has for left-overs', async () => {
    const { id } = await sealedInstance(after)
    const project = await h.addPlace(h.ctx.marker(id))
    await h.rows(`update instance_infra set place = jsonb_build_object('projectId', $1::text)`, [project.projectId])
    await command(['detach', '--yes', '--force'])
    for (let pass = 0; pass < 2; pass++) {
      await expect(h.reconcile()).rejects.toMatchObject({ status: 409, code: 'DATABASE_DETACHED' })
      await h.growOld()
    }
    expect(project.deleted).toBe(false)
  })

  test('looks again who is at the database once it was told to go on', async () => {
    const copy = await servicesDatabase(inject('postgresUrl'))
    const late = connectDatabase({ url: copy.url, log: createLogger('test', 'silent') })
    const err: string[] = []
    const code = await run(['detach'], {
      env: { ...env, DATABASE_URL: copy.url },
      out: () => {},
      err: (text) => err.push(text),
      progress: null,
      async ask() {
        await late.query(`insert into leases values ('reconcile', 'x', clock_now() + interval '1 min')`)
        return 'dev'
      },
    })
    const said = err.at(-1)
    await late.end()
    // cuts what connections of the command are still about to close, which is said as well
    await copy.drop()
    expect([code, said]).toEqual([1, expect.stringContaining('a service may be at work')])
  })

  test('asks for the environment’s name, and does nothing for any other word', async () => {
    const { id } = await sealedInstance(after)
    for (const answer of ['', 'yes', 'production']) {
      const { code, err } = await command(['detach', '--force'], { answer })
      expect([code, err]).toEqual([1, expect.stringContaining('nothing was done')])
    }
    expect(await command(['detach', '--force'])).toMatchObject({ code: 2, err: expect.stringContaining('--yes') as string })
    expect(await h.rows('select phase from instance_infra where instance_id = $1', [id])).toEqual([{ phase: 'running' }])
    expect((await command(['detach', '--force'], { answer: 'dev' })).code).toBe(0)
    expect(await h.rows('select phase from instance_infra where instance_id = $1', [id])).toEqual([{ phase: 'destroyed' }])
  })

  test('does nothing while somebody is at the database, unless it is forced', async () => {
    const { code, err } = await command(['detach', '--yes'])
    expect([code, err]).toEqual([1, expect.stringContaining('a service may be at work')])
    await h.rows(`insert into leases values ('reconcile', 'x', clock_now() + interval '1 min')`)
    expect((await command(['detach', '--yes'])).err).toContain('1 leases')
  })

  test('of another environment’s database nothing is touched', async () => {
    const { code, err } = await command(['detach', '--yes', '--force'], { env: { ...env, POOL_ENVIRONMENT: 'staging' } })
    expect([code, err]).toEqual([1, 'this database belongs to environment "dev", not to "staging"'])
  })
})

describe('wallet export', () => {
  test('prints address and key to whoever confirms it, and notes that it did', async () => {
    const { id, tool } = await sealedInstance(after)
    const { code, out, err } = await command(['wallet', 'export', id], { answer: id })
    expect([code, out]).toEqual([0, `${tool.address}  ${tool.key}  active`])
    expect(err).toContain('can spend')
    expect(err).not.toContain(tool.key)
    expect(await h.rows('select instance_id, type, detail from instance_events')).toEqual([
      { instance_id: id, type: 'wallet_exported', detail: {} },
    ])
  })

  test('that of a destroyed instance too, while it is kept', async () => {
    const id = await h.tombstone()
    const kept = await sealedTool(id, before, { state: 'retained' })
    const { out } = await command(['wallet', 'export', id, '--yes', '--json'])
    expect(JSON.parse(out)).toEqual([
      { address: kept.address, privateKey: kept.key, state: 'retained', retainedUntil: expect.stringMatching(/Z$/) as string },
    ])
    await h.rows(`update instance_services set state = 'destroyed', secret = null, retained_until = null`)
    expect(await command(['wallet', 'export', id, '--yes'])).toMatchObject({ code: 1, out: '' })
  })

  test('nothing leaves without a yes', async () => {
    const { id } = await sealedInstance(after)
    expect(await command(['wallet', 'export', id], { answer: 'no' })).toMatchObject({ code: 1, out: '' })
    expect(await command(['wallet', 'export', id])).toMatchObject({ code: 2, out: '' })
    for (const argv of [['wallet'], ['wallet', 'import', id], ['wallet', 'export', 'x'], ['wallet', 'export', id, id]])
      expect(await command([...argv, '--yes'])).toMatchObject({ code: 2, out: '' })
    expect(await h.rows('select from instance_events')).toEqual([])
  })
})

describe('every command', () => {
  test('explains itself, without a database', async () => {
    for (const name of ['reencrypt', 'detach', 'wallet']) {
      const { code, out } = await command([name, '--help'], { env: {} })
      expect([code, out]).toEqual([0, expect.stringContaining(`usage: ${name}`)])
      expect((await command([name, '--nonsense'])).code).toBe(2)
    }
    expect((await command(['help'])).out).toContain('reencrypt')
    expect(await command([])).toMatchObject({ code: 2, out: '' })
    expect((await command(['dance'])).err).toContain('no command "dance"')
  })

  test('says what is wrong with the environment or the database, by name', async () => {
    expect(await command(['reencrypt'], { env: {} })).toMatchObject({
      code: 1,
      err: expect.stringContaining('DATABASE_URL') as string,
    })
    const unmigrated = { ...env, DATABASE_URL: h.database.url.replace(/\/[^/]+(\?|$)/, '/postgres$1') }
    expect(await command(['reencrypt'], { env: unmigrated })).toMatchObject({
      code: 1,
      err: expect.stringContaining('the database cannot be read') as string,
    })
  })

  test('runs as a process, with its answer alone on standard output', async () => {
    const { id, tool } = await sealedInstance(after)
    const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'wallet', 'export', id, '--yes', '--json'], { env })
    expect(status).toBe(0)
    expect(JSON.parse(String(stdout))).toMatchObject([{ privateKey: tool.key }])
    expect(String(stderr)).not.toContain(tool.key)
  })
})
