import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from '@convos/sandbox/testing'
import { z } from 'zod'
import { GATEWAY_TOKEN } from '../support.ts'

const EXTENSION = fileURLToPath(new URL('../..', import.meta.url))
const RUNTIME = fileURLToPath(new URL('../../../../..', import.meta.url))
const BIN = join(RUNTIME, 'openclaw/bin')
const OPENCLAW = join(RUNTIME, 'node_modules/openclaw/openclaw.mjs')

const Result = z.object({
  ok: z.literal(true),
  result: z.object({ content: z.array(z.object({ text: z.string() })), details: z.unknown() }),
})

const Completion = z.object({ choices: z.tuple([z.object({ message: z.object({ content: z.string() }) })]) })

export type Gateway = Awaited<ReturnType<typeof startGateway>>

/** The real gateway with the bundled extension, this model and these variables; nothing else of ours. */
export async function startGateway(modelUrl: string, env: Record<string, string>) {
  await promisify(execFile)(process.execPath, ['--run', 'build'], { cwd: EXTENSION })
  const folder = await mkdtemp(join(tmpdir(), 'web-tools-gateway-'))
  const port = await freePort()
  const config = {
    gateway: {
      mode: 'local',
      bind: 'loopback',
      auth: { mode: 'token', token: GATEWAY_TOKEN },
      controlUi: { enabled: false },
      reload: { mode: 'off' },
      http: { endpoints: { chatCompletions: { enabled: true } } },
    },
    models: {
      mode: 'replace',
      catalogRefresh: { enabled: false },
      providers: {
        local: {
          baseUrl: modelUrl,
          apiKey: 'none',
          api: 'openai-completions',
          models: [{ id: 'obedient', name: 'Obedient', input: ['text'], contextWindow: 128_000, maxTokens: 4_096 }],
        },
      },
    },
    agents: {
      defaults: {
        workspace: join(folder, 'workspace'),
        model: { primary: 'local/obedient' },
        skipBootstrap: true,
        heartbeat: { every: '0m' },
      },
    },
    // the agent's shell asks the machine for its PATH, whatever the gateway's is
    tools: { profile: 'full', toolSearch: false, exec: { mode: 'full', pathPrepend: [BIN, dirname(process.execPath)] } },
    plugins: {
      allow: ['web-tools'],
      slots: { memory: 'none' },
      load: { paths: [EXTENSION] },
      // what it would fetch at its first start
      entries: { 'web-tools': { enabled: true }, perplexity: { enabled: false } },
    },
    discovery: { mdns: { mode: 'off' } },
  }
  await writeFile(join(folder, 'openclaw.json'), JSON.stringify(config))
  const overlay = join(folder, 'env.json')
  const child = spawn(process.execPath, [OPENCLAW, 'gateway', 'run', '--port', String(port)], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: folder,
      OPENCLAW_STATE_DIR: join(folder, 'state'),
      OPENCLAW_CONFIG_PATH: join(folder, 'openclaw.json'),
      OPENCLAW_GATEWAY_TOKEN: GATEWAY_TOKEN,
      OPENCLAW_NO_AUTO_UPDATE: '1',
      OPENCLAW_OFFLINE: '1',
      AGENT_ENV_FILE: overlay,
      RAILWAY_PUBLIC_DOMAIN: `127.0.0.1:${port}`,
      ...env,
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (output += chunk.toString()))
  let over = false
  const exited = once(child, 'exit').then(() => void (over = true))
  const url = `http://127.0.0.1:${port}`

  async function stop(): Promise<void> {
    // the gateway has workers of its own
    if (child.pid !== undefined && !over) process.kill(-child.pid, 'SIGTERM')
    await exited
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    // the gateway says that it is ready a little before its plugins are
    const answers = async (path: string, status: number) =>
      await fetch(`${url}${path}`).then(
        (res) => res.status === status,
        () => false,
      )
    const ready = async () => over || ((await answers('/readyz', 200)) && (await answers('/web-tools', 403)))
    await eventually('the gateway is ready', ready, { timeoutMs: 150_000, everyMs: 250 })
    if (over) throw new Error('the gateway ended')
  } catch (err) {
    await stop()
    throw new Error(output, { cause: err })
  }

  const post = async (path: string, json: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${GATEWAY_TOKEN}`, 'content-type': 'application/json' }
    const res = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(json) })
    return await res.json()
  }

  return {
    url,
    stop,
    output: () => output,
    overlay: (vars: Record<string, string>) => writeFile(overlay, JSON.stringify(vars)),
    /** What the agent reads when it uses a tool. */
    async use(tool: string, args: object = {}): Promise<string> {
      const body = await post('/tools/invoke', { tool, args })
      const parsed = Result.safeParse(body)
      if (!parsed.success) throw new Error(`${tool} answered ${JSON.stringify(body)}\n${output}`)
      return parsed.data.result.content.map(({ text }) => text).join('')
    },
    /** What the agent's own shell says to a command. */
    async run(command: string): Promise<string> {
      const messages = [{ role: 'user', content: `RUN: ${command}` }]
      const body = await post('/v1/chat/completions', { model: 'openclaw', user: randomUUID(), messages })
      return Completion.parse(body).choices[0].message.content
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
