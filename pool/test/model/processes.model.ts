/** The same laws with real processes: three pools on one database, one of them killed (-9) in every round, at a forced or a random moment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { eventually } from '@convos/sandbox/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configured, type FakeServices, healthOf, startFakeServices } from '../fake-services.ts'
import { testDatabase, trustImage } from '../harness.ts'
import { assertAlways, assertConverged, isQuiet, type Ledger, TARGET, type Truth } from './laws.ts'
import { randomFrom } from './schedule.ts'
import type { Box, World } from './world.ts'

const ROUNDS = Number(process.env['MODEL_KILLS'] ?? 60)
const SEED = Number(process.env['MODEL_SEED'] ?? Date.now() % 1_000_000_000)
const REPLICAS = 3
const PATIENCE_MS = 3_000
const OPERATOR = 'key-of-the-operator-of-the-model'

interface Pool {
  child: ChildProcess
  url: string
  killed: boolean
  ended: Promise<void>
}

let database: Awaited<ReturnType<typeof testDatabase>>
let services: FakeServices
const pools: Pool[] = []

beforeAll(async () => {
  database = await testDatabase()
  services = await startFakeServices()
  await trustImage({ db: database.db, services })
})
afterAll(async () => {
  for (const pool of pools) kill(pool)
  await services.close()
  await database[Symbol.asyncDispose]()
})

function kill(pool: Pool): void {
  pool.killed = true
  pool.child.kill('SIGKILL')
}

/** `pnpm start` of pool, as a platform does it. */
async function startPool(): Promise<Pool> {
  const child = spawn(process.execPath, ['src/index.ts'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATABASE_URL: database.url,
      POOL_ENVIRONMENT: 'dev',
      POOL_API_KEY: OPERATOR,
      POOL_SECRET: 'secret-of-the-model',
      POOL_MIN_IDLE: String(TARGET),
      TICK_INTERVAL_MS: '100',
      SERVICES_URL: services.url,
      SERVICES_API_KEY: services.apiKey,
    },
  })
  let said = ''
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`a pool ended (${code}) before it listened:\n${said}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      if (said.length < 10_000) said += chunk.toString()
      const found = /"port":(\d+).*pool is listening/.exec(said)
      if (found) resolve(Number(found[1]))
    })
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const pool = { child, url: `http://127.0.0.1:${port}`, killed: false, ended }
  pools.push(pool)
  return pool
}

async function call(pool: Pool, key: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const res = await fetch(`${pool.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    // a client that waits no longer
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  return { status: res.status, body: (await res.json()) as Record<string, unknown> }
}

/** What the fake services holds, in the words of the model's world. */
function worldOf(sent: World['sent'], bound: World['bound']): Truth['world'] {
  const boxes = new Map(
    [...services.instances].map(([id, { state, health, image }]): [string, Box] => [
      id,
      {
        id,
        image: image ?? '',
        createdAt: 0,
        healthyAt: 0,
        deployFailed: false,
        silentSince: null,
        dirty: health !== null && !health.clean && health.claimId === null,
        claimId: health?.claimId ?? null,
        mode: 'create',
        binding: health?.binding ?? 'none',
        conversationId: health?.conversationId ?? null,
        destroyedAt: state === 'destroyed' ? 0 : null,
        goneAt: 0,
      },
    ]),
  )
  return { boxes, sent, bound, isGone: (box) => box.destroyedAt !== null, answers: (box) => box.destroyedAt === null }
}

/** Leases run out and hours go by, for whoever looks at the rows. */
const letTimePass = () =>
  database.db.query(`
    update leases set until = clock_now();
    update claims set lease_until = clock_now() where state in ('queued', 'running');
    update instances set status_since = status_since - interval '20 s' where status = 'deleting';
    update instance_events set at = at - interval '1 hour' where type = 'auto_destroy';
    update claims set created_at = created_at - interval '1 hour' where tainted > 0`)

/**
 * Where the kill strikes: while services is in the middle of a call, or whenever. A configuration is asked for by the replica
 * that was claimed from; who makes the other calls is not known, and then all of them die.
 */
const MOMENTS = [
  'any',
  'before configure',
  'after configure',
  'any',
  'before create',
  'after create',
  'before cancel',
  'after cancel',
] as const
const diesAlone = (moment: string) => moment === 'any' || moment.endsWith('configure')

test(`the laws hold over ${ROUNDS} kills (MODEL_SEED=${SEED})`, { timeout: 900_000 }, async () => {
  const below = randomFrom(SEED)
  const counts = new Map<string, number>()
  const count = (what: string) => void counts.set(what, (counts.get(what) ?? 0) + 1)
  const sent: World['sent'] = new Map()
  const bound: World['bound'] = new Map()
  const ledger: Ledger = {
    entered: [],
    told: [],
    unanswered: new Set(),
    endedByHand: new Set(),
    broken: [],
    maxTarget: TARGET,
    rollouts: 0,
  }
  const truth = (): Truth => ({
    world: worldOf(sent, bound),
    ledger,
    query: async <R extends object>(text: string, values: unknown[] = []) =>
      (await database.db.query<R & Record<string, unknown>>({ text, values })).rows,
  })
  const note = (to: World['sent'], id: string, claimId: string) => to.set(id, (to.get(id) ?? new Set()).add(claimId))

  /** One call may be held, until whoever made it is dead. */
  let hold: { at: string; reached(): void; until: Promise<void> } | null = null
  async function pass(at: string): Promise<void> {
    if (hold?.at !== at) return
    hold.reached()
    await hold.until
  }
  const create = services.onCreate
  services.onCreate = async (id) => {
    await pass('before create')
    await create(id)
    await pass('after create')
  }
  services.onConfigure = async (id, body) => {
    note(sent, id, body.claimId)
    await pass('before configure')
    // a box takes one claim, and nothing once it is gone
    const { state, health } = services.instances.get(id) ?? { state: 'absent', health: null }
    if (state !== 'healthy') throw new Error('the box is gone')
    if (health?.claimId !== null && health?.claimId !== body.claimId) throw new Error('the box is bound')
    note(bound, id, body.claimId)
    const reply = configured(services, id, body)
    await pass('after configure')
    return reply
  }
  services.onCancel = async (id) => {
    await pass('before cancel')
    const claimId = services.instances.get(id)?.health?.claimId ?? null
    services.set(id, { health: healthOf({ clean: false, binding: 'refused', claimId }) })
    await pass('after cancel')
    return false
  }

  let replicas = await Promise.all(Array.from({ length: REPLICAS }, startPool))
  const claimers = await Promise.all(
    ['alice', 'bob'].map(async (name) => {
      const made = await call(replicas[0]!, OPERATOR, 'POST', '/api/keys', { name, role: 'claimer', claimsPerMinute: null })
      return { principal: `key:${String(made.body['id'])}`, key: String(made.body['key']) }
    }),
  )
  /** Whoever has the invite lets some of those in who wait at the door, and refuses others: all of them where a withdrawal is to be struck. */
  let isShut = false
  const doorkeeper = setInterval(() => {
    for (const [id, { state, health }] of services.instances) {
      if (state !== 'healthy' || health?.binding !== 'pending' || (!isShut && below(4) > 0)) continue
      const isIn = { binding: 'active', conversationId: `invited-${id}` } as const
      services.set(id, { health: { ...health, ...(isShut || below(2) > 0 ? { binding: 'refused' } : isIn) } })
    }
  }, 100)
  /** Whether a call is under way when it is to be struck is up to the machine's speed: what was not met has more rounds. */
  const unmet = () => [...new Set(MOMENTS)].filter((moment) => !counts.has(`killed: ${moment}`))
  const began = Date.now()
  try {
    for (let round = 0; round < ROUNDS || (unmet().length > 0 && round < 2 * ROUNDS); round++) {
      const victim = below(REPLICAS)
      const moments = round < ROUNDS ? MOMENTS : unmet()
      const moment = moments[round % moments.length] ?? 'any'
      isShut = moment.endsWith('cancel')
      const victims = replicas.filter((_, n) => n === victim || !diesAlone(moment))
      let release = () => {}
      const until = new Promise<void>((resolve) => (release = resolve))
      const reached = new Promise<void>((resolve) => (hold = { at: moment, reached: resolve, until }))
      const claims = Array.from({ length: 3 }, async (_, n) => {
        const claimer = claimers[below(2)]!
        const asked = n === 0 ? victim : below(REPLICAS)
        // the same invite or key as another one of this round, now and then
        const key = below(3) === 0 ? null : `round-${round}-${below(2)}`
        const invite = below(3) === 0 || (n === 0 && isShut) ? `invite-${round}` : null
        const body = { agentName: 'Ada', waitMs: 3_000, ...(invite ? { joinUrl: `https://dev.convos.org/v2?i=${invite}` } : {}) }
        const headers: Record<string, string> = key ? { 'idempotency-key': key } : {}
        const answer = await call(replicas[asked]!, claimer.key, 'POST', '/api/pool/claim', body, headers).catch(() => null)
        count(`answer: ${answer ? `${answer.status} ${String(answer.body['code'] ?? answer.body['status'])}` : 'none'}`)
        if (!answer || answer.status > 202) return
        const { claimId, status, instanceId } = answer.body as { claimId: string; status: string; instanceId: string | null }
        const { principal } = claimer
        ledger.told.push({ claimId, principal, state: status, instanceId })
        const repeat = ledger.entered.some((one) => one.claimId === claimId)
        ledger.entered.push({ claimId, principal, key, invite, body: `Ada ${invite}`, repeat })
        const stranger = claimers.find((one) => one !== claimer)!
        const peer = replicas.find((pool) => !pool.killed)!
        const seen = await call(peer, stranger.key, 'GET', `/api/pool/claims/${claimId}`).catch(() => null)
        if (seen && seen.status !== 404) ledger.broken.push(`${claimId} is shown to another claimer`)
      })
      const kills = (async () => {
        const struck = await Promise.race([reached.then(() => true), sleep(moment === 'any' ? below(250) : 5_000, false)])
        count(`killed: ${struck ? moment : 'any'}`)
        for (const one of victims) kill(one)
        await Promise.all(victims.map((one) => one.ended))
        hold = null
        release()
      })()
      const [fresh] = await Promise.all([Promise.all(victims.map(startPool)), kills, ...claims])
      replicas = [...replicas.filter((one) => !one.killed), ...fresh]

      await eventually(
        `round ${round} (${moment}) to come to rest`,
        async () => {
          await letTimePass()
          return isQuiet(truth())
        },
        { timeoutMs: 60_000, everyMs: 100 },
      )
      // until the last look of whoever leads has seen it
      await eventually('the laws to hold', async () => (await assertConverged(truth()), true), {
        timeoutMs: 15_000,
        everyMs: 100,
      })
      await assertAlways(truth())
    }
  } finally {
    clearInterval(doorkeeper)
    hold = null
    const lines = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([what, n]) => `  ${what}: ${n}`)
    console.log(
      `MODEL_SEED=${SEED}: ${ROUNDS} kills in ${Date.now() - began} ms, ${services.instances.size} boxes\n${lines.join('\n')}`,
    )
  }
  expect(unmet()).toEqual([])
})
