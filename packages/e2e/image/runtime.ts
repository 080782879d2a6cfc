import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSimulators } from '@convos/sandbox'
import { eventually } from '@convos/sandbox/testing'
import { z } from 'zod'
import { joinAsPerson, type Person } from '../test/support/person.ts'
import type { Builder } from './builder.ts'
import { seconds, timed, within } from './waiting.ts'

const STOPPED_WITHIN_MS = 20_000

const Health = z.object({ ready: z.boolean(), clean: z.boolean(), binding: z.string(), conversationId: z.string().nullable() })
const Provisioned = z.object({ status: z.literal('active'), conversationId: z.string(), inviteUrl: z.string() })

export interface RuntimeOptions {
  builder: Builder
  image: string
  root: string
  engine: string
  readyWithinMs: number
}

/** What services put into the deployment. */
const startCommand = async (root: string) => {
  const source = await readFile(join(root, 'services/src/instance/desired.ts'), 'utf8')
  const [, script] = /START_COMMAND = `sh -c '(.*)'`/.exec(source) ?? []
  if (script === undefined) throw new Error('the start command is not where it was')
  return ['sh', '-c', script]
}

/**
 * Starts the image as Railway does, has it claimed and talked to, stops it, and starts it again as anybody else does on the same volume: it
 * must be the same agent. The rest of the world is the sandbox's simulators; `convos` is the sandbox's, from this checkout.
 */
export async function smokeRuntime(options: RuntimeOptions): Promise<void> {
  const simulators = await startSimulators()
  const volume = await mkdtemp(join(tmpdir(), 'image-smoke-'))
  try {
    await makesIdentities(options, volume)
    const world = await createWorld({ ...options, simulators: simulators.url, volume })
    const [person, claimed] = await world.live('the start command, as root, on a volume of root', {
      user: 'root',
      command: await startCommand(options.root),
      act: async (box) => {
        const { inviteUrl, conversationId } = await box.provision()
        const someone = await joinAsPerson(inviteUrl, 'Sam')
        return [someone, { conversationId, voice: await box.converse(someone, 'Are you there?') }] as const
      },
    })
    await world.live('the entry point, as the image’s own user, on the same volume', {
      user: null,
      command: null,
      act: async (box) => {
        const { conversationId } = await box.bound()
        const voice = await box.converse(person, 'Still there?')
        if (conversationId !== claimed.conversationId || voice !== claimed.voice)
          throw new Error('it is another agent than before')
      },
    })
  } finally {
    await simulators.close()
    // it belongs to the image's user by now, who may be a stranger here
    await rm(volume, { recursive: true, force: true }).catch(() => console.warn(`${volume} is left behind`))
  }
}

/** The real `convos` loads what is native in it, for the image's platform and C library; more of it needs the real network. */
async function makesIdentities({ builder, image, root }: RuntimeOptions, volume: string): Promise<void> {
  const command = ['/app/node_modules/.bin/convos', 'identity', 'create', '--json', '--home=/tmp/convos']
  const box = await builder.run({ image, user: null, command, env: {}, volume, readable: root })
  if ((await box.exited) !== 0) throw new Error(`convos cannot make an identity: ${box.output()}`)
}

interface World extends RuntimeOptions {
  simulators: string
  volume: string
}

async function createWorld(w: World) {
  const secret = () => randomBytes(24).toString('hex')
  const tokens = { control: secret(), gateway: secret() }
  const post = await fetch(`${w.simulators}/openrouter/api/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'smoke', limit: 5 }),
  })
  const { key } = z.object({ key: z.string() }).parse(await post.json())
  const port = await freePort()
  const env = {
    INSTANCE_ID: 'smoketest000',
    INSTANCE_CONTROL_TOKEN: tokens.control,
    INSTANCE_SERVICES_TOKEN: secret(),
    OPENCLAW_GATEWAY_TOKEN: tokens.gateway,
    OPENCLAW_GATEWAY_PORT: String(await freePort()),
    OPENROUTER_API_KEY: key,
    OPENROUTER_API_URL: `${w.simulators}/openrouter/api/v1`,
    OPENCLAW_PRIMARY_MODEL: 'sandbox/echo',
    AGENT_ENGINE: w.engine,
    XMTP_ENV: 'dev',
    PORT: String(port),
    RAILWAY_VOLUME_MOUNT_PATH: '/data',
    RAILWAY_RUN_UID: '0',
    CONVOS_BIN: join(w.root, 'packages/sandbox/bin/convos'),
    CONVOS_SANDBOX_URL: `${w.simulators}/convos`,
  }
  const ask = async (method: string, path: string, body?: object) => {
    const res = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${tokens.control}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(25_000),
      ...(body && { body: JSON.stringify(body) }),
    })
    return (await res.json()) as unknown
  }
  const health = async () => Health.parse(await ask('GET', '/pool/health'))
  const client = {
    provision: async () =>
      Provisioned.parse(
        await ask('POST', '/pool/provision', { claimId: 'smoke', agentName: 'Ada', instructions: 'You are Ada.' }),
      ),
    bound: () =>
      eventually('it is bound', async () => {
        const now = await health()
        return now.binding === 'active' && now.ready ? now : null
      }),
    /** Says something, and resolves with who answered it. */
    async converse(person: Person, text: string) {
      const before = (await person.heard()).length
      await person.say(text)
      const answer = await eventually('an answer', async () => (await person.heard())[before], { timeoutMs: 60_000 })
      return answer.senderInboxId
    },
  }

  return {
    /** One life of the box: from its start until it has ended by itself after a TERM. */
    async live<T>(
      what: string,
      p: { user: string | null; command: string[] | null; act(box: typeof client): Promise<T> },
    ): Promise<T> {
      console.log(`\n${what}`)
      const box = await w.builder.run({ ...p, image: w.image, env, volume: w.volume, readable: w.root })
      try {
        const readyMs = await timed(async () => within(w.readyWithinMs, 'not ready', box, untilReady(health)))
        console.log(`  ready after ${seconds(readyMs)}`)
        const result = await p.act(client)
        const stopMs = await timed(async () => {
          await box.stop()
          await within(STOPPED_WITHIN_MS, 'still running after a TERM', null, box.exited)
        })
        console.log(`  stopped after ${seconds(stopMs)}, with ${await box.exited}`)
        return result
      } catch (err) {
        console.error(box.output().slice(-6000))
        await box.stop().catch(() => {})
        await box.exited
        throw err
      }
    },
  }
}

async function untilReady(health: () => Promise<z.infer<typeof Health>>): Promise<void> {
  for (;;) {
    const now = await health().catch(() => null)
    if (now?.ready) return
    await sleep(100)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
