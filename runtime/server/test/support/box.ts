import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLogger, listen, systemClock } from '@convos/kit'
import { eventually } from '@convos/sandbox/testing'
import { onTestFinished } from 'vitest'
import { type Agent, createAgent } from '../../src/agent.ts'
import { front, frontUpgrade } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { Health } from '../../src/contract.ts'
import { limits, type Limits } from '../../src/limits.ts'
import { FakeModel } from './model.ts'
import { FakeNetwork } from './network.ts'

const FAKE_CONVOS = fileURLToPath(new URL('../fixtures/fake-convos.mjs', import.meta.url))
const ENTRY = fileURLToPath(new URL('../../src/index.ts', import.meta.url))

export type Token = 'control' | 'gateway' | 'link' | 'wrong' | null

export interface Answer {
  status: number
  body: Record<string, unknown>
}

export interface Box {
  url: string
  call(method: string, path: string, p?: { body?: unknown; token?: Token }): Promise<Answer>
  /** `GET /pool/health` with the control token. */
  health(): Promise<Health>
  provision(body?: Record<string, unknown>): Promise<Answer>
}

/** What one instance lives in: its volume, the network, the model, its tokens. */
export interface World {
  network: FakeNetwork
  model: FakeModel
  env: Record<string, string>
  config: Config
}

/** Unlike any other. */
export const secret = () => randomBytes(16).toString('hex')

/** A fresh volume with a network and a model of its own; gone when the test is. */
export async function world(extra: Record<string, string> = {}): Promise<World> {
  const [network, model, volume] = await Promise.all([
    FakeNetwork.start(),
    FakeModel.start(),
    mkdtemp(join(tmpdir(), 'agent-server-')),
  ])
  onTestFinished(async () => {
    await Promise.all([network.close(), model.close()])
    await rm(volume, { recursive: true, force: true, maxRetries: 5 })
  })
  const env = {
    PATH: process.env['PATH'] ?? '',
    INSTANCE_ID: 'abcdefghijkl',
    INSTANCE_CONTROL_TOKEN: `control-${secret()}`,
    OPENCLAW_GATEWAY_TOKEN: `gateway-${secret()}`,
    AGENT_ENGINE: 'lite',
    LOG_LEVEL: 'silent',
    RAILWAY_VOLUME_MOUNT_PATH: volume,
    CONVOS_BIN: FAKE_CONVOS,
    CONVOS_SANDBOX_URL: network.url,
    OPENROUTER_API_URL: model.url,
    OPENROUTER_API_KEY: `key-${secret()}`,
    OPENCLAW_PRIMARY_MODEL: 'openrouter/acme/small',
    ...extra,
  }
  return { network, model, env, config: readConfig(env) }
}

/** Asks to join where nobody lets it in yet: it is pending as soon as the request is sent, on a busy machine after the deadline. */
export const joinPending = (box: Box, joinUrl: string) =>
  eventually('the request is pending', async () => {
    const answer = await box.provision({ joinUrl })
    return answer.body['status'] === 'pending' ? answer : null
  })

function client(url: string, env: Record<string, string>, link = ''): Box {
  const tokens = { control: env['INSTANCE_CONTROL_TOKEN'], gateway: env['OPENCLAW_GATEWAY_TOKEN'], link, wrong: 'x' }
  const call: Box['call'] = async (method, path, { body, token = 'control' } = {}) => {
    const res = await fetch(url + path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${tokens[token]}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: res.status, body: (await res.json()) as Record<string, unknown> }
  }
  return {
    url,
    call,
    health: async () => Health.parse((await call('GET', '/pool/health')).body),
    provision: (body = {}) =>
      call('POST', '/pool/provision', {
        body: { claimId: 'claim-1', agentName: 'Ada', instructions: 'You are a careful librarian.', ...body },
      }),
  }
}

/** An agent server within the test's process, with deadlines as short as the test wants them. */
export async function openBox(
  w: World,
  short: Partial<Limits> = {},
  log = createLogger('agent-server', 'silent'),
): Promise<Box & { agent: Agent; close(): Promise<void> }> {
  const agent = createAgent(w.config, { clock: systemClock, log, limits: { ...limits, driverRestartMinMs: 20, ...short } })
  const listening = await listen(front(agent, w.config, log), 0, '127.0.0.1')
  listening.server.on('upgrade', frontUpgrade(agent))
  agent.resume(`http://127.0.0.1:${listening.port}`)
  let closed: Promise<unknown> | null = null
  const close = async () => {
    closed ??= Promise.all([listening.close(0), agent.stop()])
    await closed
  }
  onTestFinished(close)
  return { ...client(`http://127.0.0.1:${listening.port}`, w.env, agent.linkToken), agent, close }
}

export interface Process extends Box {
  startedMs: number
  output(): string
  /** kill -9. */
  kill(): Promise<void>
  terminate(): Promise<number | null>
}

/** The real process, gone when the test is. */
export async function spawnBox(w: World): Promise<Process> {
  const box = await startProcess(w.env)
  onTestFinished(() => box.kill())
  return box
}

/** As `spawnBox`, for who ends it. `command` becomes the agent server. */
export async function startProcess(env: Record<string, string>, command = [process.execPath, ENTRY]): Promise<Process> {
  const port = await freePort()
  const startedAt = performance.now()
  const [file = '', ...args] = command
  const child = spawn(file, args, { env: { ...env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => (output += part))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const endBy = async (signal: NodeJS.Signals) => {
    end(child, signal)
    return await ended
  }
  const box = client(`http://127.0.0.1:${port}`, env)
  try {
    const listens = () => box.call('GET', '/pool/health', { token: null })
    await eventually('the process listens', listens, { everyMs: 10, timeoutMs: 60_000 })
  } catch (err) {
    await endBy('SIGKILL')
    throw new Error(output, { cause: err })
  }
  return {
    ...box,
    startedMs: performance.now() - startedAt,
    output: () => output,
    kill: async () => void (await endBy('SIGKILL')),
    terminate: () => endBy('SIGTERM'),
  }
}

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
