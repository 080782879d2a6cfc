import { randomBytes } from 'node:crypto'
import { type Clock, connectDatabase, createLogger, createMetrics, systemClock } from '@convos/kit'
import { createDatabase, eventually } from '@convos/sandbox/testing'
import request from 'supertest'
import { SmsMessages } from '../../src/contract/index.ts'
import { drawToken, tokenHash } from '../../src/crypto.ts'
import { migrateServices } from '../../src/db/migrate.ts'
import { createPublicApp, publicEndpoints } from '../../src/public/app.ts'
import type { PublicContext, PublicDeps, PublicSettings } from '../../src/public/context.ts'
import { createRegistry, type ToolPlugin } from '../../src/registry.ts'

export const TOOLS = ['openrouter', 'wallet', 'email', 'sms', 'crypto']

export interface Instance {
  id: string
  token: string
}

const plugin = (toolId: string): ToolPlugin => ({
  toolId,
  name: `The ${toolId}`,
  provisioning: ['pool'],
  available: toolId !== 'crypto',
  resources: [
    {
      kind: 'main',
      variables: [],
      repeat: 'same',
      create: () => Promise.reject(new Error('the public listener creates nothing')),
      find: () => Promise.resolve([]),
      destroy: () => Promise.resolve(),
      list: null,
    },
  ],
})

const newId = () => randomBytes(6).toString('hex')
/** A number nobody else has. */
export const newNumber = () => `+1312${String(randomBytes(4).readUInt32BE() % 10_000_000).padStart(7, '0')}`

export type PublicHarness = Awaited<ReturnType<typeof createPublicHarness>>

/** The public app on a real database; what is done elsewhere is given by the test. */
export async function createPublicHarness(postgresUrl: string, settings: Partial<PublicSettings> = {}) {
  const migrate = (url: string) => migrateServices({ url, environment: 'dev' })
  const database = await createDatabase(postgresUrl, { template: 'services', migrate })
  const logged: string[] = []
  const log = createLogger('services', 'trace', { write: (line: string) => void logged.push(line) })
  const db = connectDatabase({ url: database.url, log })
  let offsetMs = 0
  const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + offsetMs) }
  const tools = createRegistry()
  for (const toolId of TOOLS) tools.register(plugin(toolId))

  const ctx: PublicContext = { db, log, clock, tools, metrics: createMetrics('services', 'dev') }
  const unexpected = () => Promise.reject(new Error('not expected in this test'))
  const deps: PublicDeps = {
    settings: { trustProxy: 0, smsPerDay: 100, fingerprint: 'f', telnyxPublicKey: null, ...settings },
    provisionTool: unexpected,
    destroyTool: unexpected,
    toolUsage: () => Promise.resolve(null),
    texts: null,
  }
  const rows = async <R extends object>(text: string, values: unknown[] = []) => (await db.query<R>({ text, values })).rows

  return {
    ctx,
    deps,
    db,
    database,
    logged,
    rows,
    endpoints: publicEndpoints(ctx, deps),
    /** The app as it is with these parts of others. */
    app: (over: Partial<PublicDeps> = {}) => createPublicApp(ctx, { ...deps, ...over }),
    /** Moves the process's clock; the database has its own. */
    moveClock: (ms: number) => void (offsetMs += ms),

    async addInstance(
      p: { claimed?: boolean; wish?: 'present' | 'absent'; allowedTools?: string[] | null } = {},
    ): Promise<Instance> {
      const { claimed = true, wish = 'present', allowedTools = TOOLS } = p
      const [id, token] = [newId(), drawToken()]
      await rows(
        `insert into instance_infra (instance_id, wish, phase, project_name, image, services_token_hash, claim_id, allowed_tools)
          values ($1, $2, 'running', $1, 'image', $3, $4, $5)`,
        [id, wish, tokenHash(token), claimed ? `claim of ${id}` : null, allowedTools],
      )
      return { id, token }
    },

    async addResource(
      instance: Instance,
      p: {
        toolId: string
        kind?: string
        position?: number
        state?: string
        config?: object
        requestedBy?: string
        daysAgo?: number
      },
    ): Promise<string> {
      const { toolId, kind = 'main', position = 0, state = 'active', config = {}, requestedBy = 'pool', daysAgo = 0 } = p
      const resourceId = `${kind}-${newId()}`
      await rows(
        `insert into instance_services
          (instance_id, tool_id, kind, position, state, resource_id, config, secret, requested_by, created_at, generation)
          select $1, $2, $3, $4, $5, $6, $7, 'sealed', $8, clock_now() - $9 * interval '1 day',
            1 + count(*) filter (where position = $4) from instance_services where instance_id = $1 and tool_id = $2`,
        [instance.id, toolId, kind, position, state, resourceId, JSON.stringify(config), requestedBy, daysAgo],
      )
      return resourceId
    },

    /** Gives the instance a number that is ours. */
    async addNumber(instance: Instance, phoneNumber = newNumber(), state = 'active'): Promise<string> {
      await this.addResource(instance, { toolId: 'sms', kind: 'number', state, config: { phoneNumber } })
      return phoneNumber
    },

    /** An instance with a number that is ours. */
    async withNumber(): Promise<{ instance: Instance; number: string }> {
      const instance = await this.addInstance()
      return { instance, number: await this.addNumber(instance) }
    },

    /** The texts that the instance itself can read. */
    async messages(instance: Instance, query = '') {
      const { body } = await as(this.app(), instance).get(`/tools/${instance.id}/sms/messages${query}`).expect(200)
      return SmsMessages.parse(body).messages
    },

    events: ({ id }: Instance) =>
      rows<{ type: string; detail: { code: string; tool: string | null; operation: string } }>(
        'select type, detail from instance_events where instance_id = $1 order by id',
        [id],
      ),

    /** Waits until so many sessions wait for a lock with this statement: the barrier of forced races. */
    waitForLock: (part: string, count: number) =>
      eventually(`${count} × "${part}" to wait for a lock`, async () => {
        const waiting = await rows(
          `select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and strpos(query, $1) > 0`,
          [part],
        )
        return waiting.length >= count
      }),

    async close() {
      await db.end()
      await database.drop()
    },
  }
}

/** A caller with this instance's token. */
export const as = (app: Parameters<typeof request>[0], { token }: Pick<Instance, 'token'>) =>
  request.agent(app).set('authorization', `Bearer ${token}`)
