import { apiApp, createLogger, envList, envSecret, listen, metricsRoute, readEnv, Refused, systemClock, Usage } from '@convos/kit'
import { Router } from 'express'
import { z } from 'zod'
import { networkOf } from '../../config.ts'
import { Version } from '../../contract/index.ts'
import { readSandbox } from '../client.ts'
import { type Command, type Invocation, number } from '../command.ts'
import { rounds } from './loop.ts'
import { createMeters, type Meters } from './meters.ts'
import { parseDuration } from './slot.ts'
import type { Outcome } from './visit.ts'

const Env = z.object({
  POOL_URL: z.string().optional(),
  POOL_ENVIRONMENT: z.string().optional(),
  RAILWAY_ENVIRONMENT_NAME: z.string().optional(),
  CONVOS_INVITE_ORIGINS: envList.optional(),
  METRICS_TOKEN: envSecret.optional(),
})
type Env = z.infer<typeof Env>

/** Whether people get agents, found out as they would: by claiming one. */
export const canary: Command = {
  name: 'canary',
  summary: 'claims an agent, checks it and gives it up, again and again',
  usage: 'usage: canary [--once] [--every DURATION] [--timeout SECONDS] [--invites ORIGIN…] [--metrics-port PORT]',
  help: `  --once               one run; the exit code says whether all was well
  --every DURATION     how often to run, 1h; e.g. 15m. Runs are claims that cost an instance each
  --timeout SECONDS    how long a claim, and then its agent, may take, 60
  --invites ORIGIN     where invites may lead (CONVOS_INVITE_ORIGINS, else the network of the pool's environment)
  --metrics-port PORT  serves /metrics to whoever has METRICS_TOKEN

It claims with the key that it is given: give it one of its own ("keys create canary"). What it claimed is given up whatever happens: a run
that was cut off is found again by the next one of the same interval, and what nobody finds ends by itself a quarter of an hour later.`,
  options: {
    once: { type: 'boolean' },
    every: { type: 'string' },
    timeout: { type: 'string' },
    invites: { type: 'string', multiple: true },
    'metrics-port': { type: 'string' },
  },
  async run(invocation) {
    const { api, terminal, values, json } = invocation
    const everyMs = parseDuration(typeof values['every'] === 'string' ? values['every'] : '1h')
    if (everyMs === null) throw new Usage('--every takes a duration from 1s to 7d, such as 15m or 1h')
    const answerMs = (number('timeout', values['timeout'], 600) ?? 60) * 1000
    const port = number('metrics-port', values['metrics-port'], 65_535)
    const env = parseEnv(terminal.env)
    const environment = await environmentOf(invocation, env)
    const origins = await originsOf(values, env, environment)
    const meters = createMeters(environment, everyMs, systemClock.now())
    const served = port === undefined ? null : await serve(meters, port, env.METRICS_TOKEN)
    const stopping = stopSignal()
    try {
      let ok = false
      const left = await rounds({
        api,
        answerMs,
        clock: systemClock,
        origins,
        stopping,
        everyMs,
        once: values['once'] === true,
        told(outcome, unsettled) {
          ok = outcome.ok
          meters.ran(outcome, systemClock.now(), unsettled)
          terminal.out(json ? JSON.stringify(outcome) : lineOf(outcome))
        },
        unsettled: (n) => meters.unsettledAre(n),
      })
      for (const { key, slot } of left)
        terminal.err(`the claim under ${key} may hold an agent; it ends by itself at ${slot.expiresAt.toISOString()}`)
      return left.length > 0 || (values['once'] === true && !ok) ? 1 : 0
    } finally {
      await served?.close(1_000)
    }
  },
}

function parseEnv(env: NodeJS.ProcessEnv): Env {
  try {
    return readEnv(Env, env)
  } catch (err) {
    throw new Refused((err as Error).message, { cause: err })
  }
}

async function environmentOf({ api }: Invocation, env: Env): Promise<string> {
  const said = env.POOL_ENVIRONMENT ?? env.RAILWAY_ENVIRONMENT_NAME
  return said ?? (await api.get('/version', Version)).environment
}

/** As told; the sandbox's own network where that is what is asked; else what the environment means. */
async function originsOf(values: Invocation['values'], env: Env, environment: string): Promise<readonly string[]> {
  const given = Array.isArray(values['invites']) ? values['invites'].map(String) : env.CONVOS_INVITE_ORIGINS
  if (given) return given.map(originOf)
  const ownPool = values['url'] !== undefined || env.POOL_URL !== undefined
  const sandbox = ownPool ? null : await readSandbox()
  return [sandbox?.providers.convos ? originOf(sandbox.providers.convos) : networkOf(environment)]
}

function originOf(text: string): string {
  const url = URL.parse(text)
  if (!url) throw new Usage(`--invites takes an origin such as https://dev.convos.org, not "${text}"`)
  return url.origin
}

async function serve({ registry }: Meters, port: number, token: string | undefined) {
  if (!token) throw new Usage('--metrics-port needs METRICS_TOKEN')
  const log = createLogger('canary')
  return listen(apiApp({ log, routes: [Router().get('/metrics', metricsRoute(registry, token))] }), port)
}

function stopSignal(): AbortSignal {
  const stopping = new AbortController()
  // a second one changes nothing: giving up takes as long as it takes
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort())
  return stopping.signal
}

function lineOf({ ok, startedAt, phases, claimId, instanceId, failure, settled }: Outcome): string {
  const times = phases.map(({ phase, ms }) => `${phase} ${ms} ms`).join(', ')
  const what = failure ? `failed in ${failure.phase}: ${failure.code}: ${failure.detail}` : ok ? 'ok' : 'stopped'
  const left = settled ? '' : '; what it claimed could not be given up yet'
  return `${startedAt} ${what}${left} (${times}; claim ${claimId ?? '–'}, instance ${instanceId ?? '–'})`
}
