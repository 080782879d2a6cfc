import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '@convos/sandbox/testing'
import { z } from 'zod'
import type { Limits } from '../../src/limits.ts'
import { TurnRequest } from '../../src/link/turn.ts'
import { openBox, type World, world } from './box.ts'
import { processesWith } from './processes.ts'

const RUNTIME = fileURLToPath(new URL('../fixtures/runtime', import.meta.url))

/** How the stand-in for the gateway misbehaves; see `fixtures/fake-gateway.mjs`. */
interface Misbehaviour {
  crashes?: boolean
  boots?: 'never'
  deaf?: boolean
  stubborn?: boolean
  forks?: boolean
  turns?: 'hang' | 'die' | 'fail' | 'silent'
}

export interface GatewayWorld extends World {
  volume: string
  misbehave(how: Misbehaviour): void
  /** Pids of the gateways that were started so far. */
  starts(): number[]
  /** What the gateway was asked to answer. */
  turns(): TurnRequest[]
  /** Every process that belongs to this box's gateway, wherever it went. */
  processes(): ReturnType<typeof processesWith>
}

/** A world whose engine is a gateway: a real process, which does as it is told. */
export async function gatewayWorld(extra: Record<string, string> = {}): Promise<GatewayWorld> {
  const w = await world({ AGENT_ENGINE: 'openclaw', RUNTIME_ROOT: RUNTIME, HOME: '/nowhere', ...extra })
  const volume = w.config.stateRoot
  const lines = (file: string) => {
    const path = join(volume, file)
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
  }
  return {
    ...w,
    volume,
    misbehave: (how) => writeFileSync(join(volume, 'fake.json'), JSON.stringify(how)),
    starts: () => lines('starts.txt').map(Number),
    turns: () => lines('turns.ndjson').map((line) => TurnRequest.parse(JSON.parse(line))),
    processes: () => processesWith(`AGENT_ENV_FILE=${join(volume, 'agent/env.json')}`),
  }
}

/** As short as a test wants them, so that it need not wait. */
const QUICK: Partial<Limits> = {
  gatewayProbeMs: 20,
  gatewayBootProbeMs: 20,
  gatewayProbeTimeoutMs: 1_000,
  gatewayFreshMs: 300,
  gatewayRestartMinMs: 10,
  gatewayRestartMaxMs: 20,
  gatewayStopMs: 500,
}

/** A box that has started its gateway, and waited until it is ready unless told otherwise. */
export async function openGatewayBox(
  w: GatewayWorld,
  short: Partial<Limits> = {},
  p: { ready?: boolean; log?: Parameters<typeof openBox>[2] } = {},
) {
  const box = await openBox(w, { ...QUICK, ...short }, p.log)
  if (p.ready !== false) await eventually('the gateway is ready', async () => (await box.health()).ready)
  return box
}

export const Seen = z.object({ url: z.string(), headers: z.record(z.string(), z.string()) })
