import { randomBytes } from 'node:crypto'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { ProviderError } from '../../src/infra/errors.ts'
import { salvageTools } from '../../src/reconcile/salvage.ts'
import { toyTool } from '../support/toy-tool.ts'
import { createReconcileHarness, type ReconcileHarness } from './support.ts'

/** Taking back what runs and has no row: a database restored from before it was made. */
let h: ReconcileHarness
let toy: ReturnType<typeof toyTool>
beforeAll(async () => {
  h = await createReconcileHarness(inject('postgresUrl'))
  toy = toyTool()
  h.ctx.tools.register(toy.plugin)
})
beforeEach(async () => {
  await h.clear()
  toy.bells.clear()
  toy.pins.clear()
})
afterAll(() => h.close())

interface Row {
  [column: string]: unknown
}
const open = (row: Row, column: string) => {
  const sealed = row[column]
  return typeof sealed === 'string' ? h.ctx.vault.open(sealed, `instance_infra/${String(row['instance_id'])}/${column}`) : null
}

/** All that matters of an instance, opened. */
async function ledgerOf(id: string) {
  const [infra = {}] = await h.rows<Row>(
    `select instance_id, wish, phase, project_name, place, image, url, deployment_id, desired_env, gateway_token, control_token,
       services_token, services_token_hash, claim_id, rollout, awaiting_deployment, date_trunc('milliseconds', created_at) as created_at
     from instance_infra where instance_id = $1`,
    [id],
  )
  const tools = await h.rows<{ id: string; tool_id: string; kind: string; state: string; secret: string | null }>(
    `select id, tool_id, kind, position, generation, state, resource_id, config, secret from instance_services
     where instance_id = $1 order by tool_id, position`,
    [id],
  )
  return {
    infra: {
      ...infra,
      created_at: null,
      desired_env: JSON.parse(open(infra, 'desired_env') ?? '{}') as unknown,
      ...Object.fromEntries(['gateway_token', 'control_token', 'services_token'].map((column) => [column, open(infra, column)])),
    },
    tools: tools.map(({ id: rowId, secret, ...tool }) => ({
      ...tool,
      env: secret === null ? null : (JSON.parse(h.ctx.vault.open(secret, `instance_services/${rowId}/secret`)) as unknown),
    })),
  }
}
const lose = (id: string) =>
  Promise.all(
    ['instance_infra', 'instance_services', 'saga_log'].map((table) =>
      h.rows(`delete from ${table} where instance_id = $1`, [id]),
    ),
  )

const adopt = async (id: string, dryRun = false) => (await h.reconcile({ dryRun, adopt: [id] })).findings

describe('an instance whose rows are lost', () => {
  test('gets them back as they were, and can be destroyed without leaving anything', async () => {
    const { id } = await h.create({ binding: 'active', claimId: 'claim-7', clean: false })
    const before = await ledgerOf(id)
    expect(before.tools.map(({ tool_id }) => tool_id)).toEqual(['openrouter', 'wallet'])
    await lose(id)

    expect(await adopt(id)).toEqual([
      expect.objectContaining({
        kind: 'adopted',
        action: 'adopt',
        instanceId: id,
        reason: expect.stringContaining('claim-7') as string,
      }),
    ])
    expect(await ledgerOf(id)).toEqual(before)
    expect((await h.reconcile()).findings).toEqual([])
    expect(await h.rows('select type from instance_events where instance_id = $1', [id])).toEqual([{ type: 'adopted' }])

    await h.rows(`update instance_infra set wish = 'absent', next_run_at = clock_now() where instance_id = $1`, [id])
    await h.reach(id, 'destroyed')
    expect(h.infra.live()).toEqual([])
    expect(h.keys.size).toBe(0)
    expect((await ledgerOf(id)).tools.map(({ state }) => state)).toEqual(['destroyed', 'retained'])
  })

  test('is not deployed again by being taken back', async () => {
    const { id } = await h.create()
    await lose(id)
    await adopt(id)
    await h.rows('update instance_infra set next_run_at = clock_now()')
    await h.pass()
    expect(h.infra.live().map(({ deployments, applied }) => [deployments.length, applied.length])).toEqual([[1, 1]])
    const [row] = await h.rows('select next_run_at, runner_id, next_probe_at is not null as probed from instance_infra')
    expect(row).toEqual({ next_run_at: null, runner_id: null, probed: true })
  })

  test('changes of its profile count on from where they cannot have been', async () => {
    const { id } = await h.create({ binding: 'active', claimId: 'claim-7' })
    await lose(id)
    await adopt(id)
    const [row] = await h.rows<{ profile_revision: string }>('select profile_revision from instance_infra')
    expect(Number(row?.profile_revision)).toBeGreaterThan(1_000_000_000)
    expect(Number.isSafeInteger(Number(row?.profile_revision))).toBe(true)
  })

  test('a dry run says the same and writes nothing', async () => {
    const { id } = await h.create()
    await lose(id)
    expect(await adopt(id, true)).toEqual([expect.objectContaining({ kind: 'adopted', action: 'adopt' })])
    expect(await h.rows('select from instance_infra')).toEqual([])
    expect(await h.rows('select from instance_events')).toEqual([])
  })

  test('keeps the tools it got since: what can be looked up by its key is, what was told once stays with it', async () => {
    const { id, box } = await h.create({ binding: 'active', claimId: 'claim-7' })
    const key = `${h.ctx.marker(id)}:2`
    toy.bells.set('bell-x', { key, ready: true, volume: 7 })
    toy.pins.set('pin-x', { bell: 'bell-x', key })
    await lose(id)
    await adopt(id)
    await h.pass()
    const tools = (await ledgerOf(id)).tools.filter(({ tool_id }) => tool_id === 'doorbell')
    expect(tools).toMatchObject([
      {
        kind: 'bell',
        generation: 2,
        state: 'active',
        resource_id: 'bell-x',
        config: { volume: 7 },
        env: { DOORBELL_ID: 'bell-x' },
      },
      { kind: 'pin', generation: 2, state: 'active', resource_id: 'pin-x', env: null },
    ])
    expect([toy.bells.size, toy.pins.size]).toEqual([1, 1])
    expect(box.seen.filter(({ path }) => path === '/pool/env').map(({ body }) => body)).toEqual([
      { env: { DOORBELL_ID: 'bell-x' } },
    ])

    await h.rows(`update instance_infra set wish = 'absent', next_run_at = clock_now() where instance_id = $1`, [id])
    await h.reach(id, 'destroyed')
    expect([toy.bells.size, toy.pins.size, h.keys.size, h.infra.live().length]).toEqual([0, 0, 0, 0])
  })

  test('leaves nothing when it is wished away before its tools were looked up', async () => {
    const { id } = await h.create({ binding: 'active', claimId: 'claim-7' })
    toy.bells.set('bell-x', { key: h.ctx.marker(id), ready: true, volume: 7 })
    await lose(id)
    await adopt(id)
    await h.rows(`update instance_infra set wish = 'absent', next_run_at = clock_now() where instance_id = $1`, [id])
    await h.pass()
    expect([toy.bells.size, h.keys.size, h.infra.live().length]).toEqual([0, 0, 0])
    await h.rows(`update saga_log set ended_at = ended_at - interval '5 min'`)
    await h.makeDue(id)
    await h.reach(id, 'destroyed')
  })

  test('a row that appears meanwhile stays as it is', async () => {
    const { id } = await h.create()
    await lose(id)
    const row = `insert into instance_infra (instance_id, project_name, image) values ($1, 'somebody else’s', 'image')`
    const findings = await h.meanwhile([[row, [id]]], 'insert into instance_infra', () => adopt(id))
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'adopted', action: 'refuse' }))
    expect(await h.rows('select project_name from instance_infra')).toEqual([{ project_name: 'somebody else’s' }])
    expect(await h.rows('select from instance_services')).toEqual([])
  })
})

describe('is refused', () => {
  const lost = async () => {
    const made = await h.create({ binding: 'active', claimId: 'claim-7' })
    await lose(made.id)
    return made
  }
  const refusal = async (id: string) => {
    const reason = (await adopt(id)).find(({ kind, action }) => kind === 'adopted' && action === 'refuse')?.reason
    expect(await h.rows(`select from instance_infra where instance_id = $1 and phase = 'running'`, [id])).toHaveLength(0)
    return reason
  }
  const only = () => {
    const [project] = h.infra.live()
    if (!project) throw new Error('there is none')
    return project
  }

  test('what has a row, a tombstone too', async () => {
    const { id } = await lost()
    await h.rows(`insert into instance_infra (instance_id, wish, phase, next_run_at) values ($1, 'absent', 'destroyed', null)`, [
      id,
    ])
    expect(await refusal(id)).toContain('has a row')
  })
  test('what is nowhere', async () => {
    expect(await refusal('unknown00000')).toContain('no place')
  })
  test('what is in two places', async () => {
    const { id } = await lost()
    await h.addPlace(h.ctx.marker(id))
    expect(await refusal(id)).toContain('more than one place')
  })
  test('what does not answer', async () => {
    const { id, box } = await lost()
    box.health = { status: 500, body: {} }
    expect(await refusal(id)).toContain('does not answer its own control token')
  })
  test('what answers anybody the same, and so not this token', async () => {
    const { id, box } = await lost()
    box.health = { status: 200, body: { ready: true, clean: false, version: '1' } }
    expect(await refusal(id)).toContain('does not answer its own control token')
  })
  test('what cannot be read', async () => {
    const { id } = await lost()
    const [applied] = only().applied
    if (applied) applied.env = {}
    expect(await refusal(id)).toContain('INSTANCE_CONTROL_TOKEN')
  })
  test('what has another one’s variables', async () => {
    const { id } = await lost()
    const [applied] = only().applied
    if (applied) applied.env['INSTANCE_ID'] = 'another00000'
    expect(await refusal(id)).toContain('another00000')
  })
  test('what was never finished', async () => {
    const { id } = await lost()
    only().volumes = []
    expect(await refusal(id)).toContain('no volume')
  })
  test('what has two keys', async () => {
    const { id } = await lost()
    h.addKey(h.ctx.marker(id))
    expect(await refusal(id)).toContain('two of openrouter/key')
  })
  test('what has tools that cannot be listed now', async () => {
    const { id } = await lost()
    h.keyFaults.inject(
      'list',
      new ProviderError('down', { provider: 'keys', operation: 'list', kind: 'transient', uncertain: false }),
    )
    expect(await refusal(id)).toContain('openrouter/key cannot be listed')
  })
  test('what the provider does not answer about', async () => {
    const { id } = await lost()
    h.infraFaults.inject('inspect', 'before')
    expect(await refusal(id)).toContain('the provider could not be asked')
  })
  test('with no secret in any word', async () => {
    const { id, env } = await lost()
    h.addKey(h.ctx.marker(id))
    const said = JSON.stringify(await h.reconcile({ adopt: [id] }))
    for (const value of Object.values(env).filter((v) => v.length >= 16)) expect(said).not.toContain(value)
  })
})

test('a wallet is known by its key', () => {
  const key = `0x${randomBytes(32).toString('hex')}` as const
  const [wallet, ...others] = salvageTools(h.ctx.tools.getAll(), new Map([['openrouter/key', []]]), { PRIVATE_WALLET_KEY: key })
  const { address } = privateKeyToAccount(key)
  expect(wallet).toMatchObject({
    toolId: 'wallet',
    resourceId: address,
    config: { address },
    envVars: { PRIVATE_WALLET_KEY: key },
  })
  expect(others).toEqual([])
  expect(() => salvageTools(h.ctx.tools.getAll(), new Map(), { PRIVATE_WALLET_KEY: 'spent' })).toThrow('is not a key')
})
