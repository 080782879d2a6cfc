/** What operators watch with asks for what there is: rules and dashboards beside the metrics of a running system. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { eventually, LOADS, spyOnLoads } from '@convos/sandbox/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Environment, useWorld } from '../support/world.ts'
import { queriesOf, readCases, readDashboards, readRules, readRunbook } from './files.ts'
import { metricsOf } from './promql.ts'

const CLI = fileURLToPath(new URL('../../../../pool/src/cli.ts', import.meta.url))
const world = useWorld()
/** Labels of the samples of each metric; none where there is no sample yet. */
const known = new Map<string, Set<string>>()
let system: Environment
let canary: ChildProcess
let said = ''

beforeAll(async () => {
  system = await world.start('dev', 1, spyOnLoads('/'))
  const { pool, services } = system
  await eventually('an agent is ready', async () => (await system.api.counts()).idle > 0, { timeoutMs: 30_000 })
  const token = pool.env['METRICS_TOKEN'] ?? ''
  const port = await freePort()
  const args = [CLI, 'canary', '--json', '--every', '7d', '--url', pool.url, '--metrics-port', String(port)]
  const { POOL_ENVIRONMENT, CONVOS_INVITE_ORIGINS } = pool.env
  const env = { ...process.env, POOL_API_KEY: pool.apiKey, METRICS_TOKEN: token, POOL_ENVIRONMENT, CONVOS_INVITE_ORIGINS }
  canary = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  canary.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await eventually('the canary has run', () => said.endsWith('\n'), { timeoutMs: 60_000 })
  for (const url of [pool.url, services.url, `http://127.0.0.1:${port}`]) learn(await scrape(url, token))
}, 120_000)
afterAll(async () => {
  if (canary.exitCode !== null) return
  canary.kill('SIGTERM')
  await once(canary, 'exit')
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function scrape(url: string, token: string): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  if (!answer.ok) throw new Error(`${url}/metrics answered ${answer.status}`)
  return answer.text()
}

/** The text format is lines: what a metric is, then its samples. */
function learn(text: string): void {
  for (const line of text.split('\n')) {
    const [, declared, type] = /^# TYPE (\w+) (\w+)$/.exec(line) ?? []
    if (declared !== undefined)
      for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) add(declared + suffix, [])
    const [, metric, labels = ''] = /^(\w+)\{(.*)\} /.exec(line) ?? []
    if (metric !== undefined)
      add(
        metric,
        [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, name = '']) => name),
      )
  }
  // what Prometheus itself says of each target
  add('up', ['job', 'instance', 'environment'])
}
function add(metric: string, labels: string[]): void {
  known.set(metric, new Set([...(known.get(metric) ?? []), ...labels]))
}

/** What an expression asks for and there is not. */
const missing = (expression: string) =>
  metricsOf(expression).flatMap(({ metric, labels }) => {
    const has = known.get(metric)
    if (!has) return [metric]
    // the scraper adds where it has a sample from
    const strange = has.size === 0 ? [] : labels.filter((label) => !has.has(label) && !['job', 'instance'].includes(label))
    return strange.map((label) => `${metric}{${label}}`)
  })

test('the canary claims an agent of a real stack, hears that it lives, and gives it up', async () => {
  expect(JSON.parse(said)).toMatchObject({ ok: true, failure: null, settled: true })
  expect((await system.api.counts()).claimed).toBe(0)
})

test('without a collector for traces nothing that makes spans is loaded', async () => {
  for (const { log } of [system.pool, system.services]) {
    const loaded = (await log()).split('\n').filter((line) => line.startsWith(LOADS))
    expect(loaded.some((line) => line.includes('/express/'))).toBe(true)
    // the API alone, without anything that makes spans, comes with prom-client
    expect(loaded.filter((line) => /\/tracing\/otel\.ts|@opentelemetry\/(?!api\/)/.test(line))).toEqual([])
  }
})

describe('alert rules', async () => {
  const rules = await readRules()

  test.each(rules)('$alert asks for metrics that there are', ({ expr }) => {
    expect(metricsOf(expr).length).toBeGreaterThan(0)
    expect(missing(expr)).toEqual([])
  })

  test('each has its own name, an entry of the runbook that it links to, and cases in which it fires and does not', async () => {
    const names = rules.map(({ alert }) => alert)
    expect(new Set(names).size).toBe(names.length)
    expect((await readRunbook()).toSorted()).toEqual(names.toSorted())
    const cases = await readCases()
    expect([...cases.keys()].toSorted()).toEqual(names.toSorted())
    for (const { alert, annotations } of rules) {
      expect(annotations.runbook_url).toBe(`{{ $externalLabels.repository }}/docs/ops/alerts.md#${alert.toLowerCase()}`)
      expect(annotations.summary, alert).toContain('{{ $labels.environment }}')
      expect(cases.get(alert)?.fires, alert).toBeGreaterThan(0)
      expect(cases.get(alert)?.calm, alert).toBeGreaterThan(0)
    }
  })
})

describe('dashboards', async () => {
  const dashboards = await readDashboards()

  test.each(dashboards)('$title asks for metrics that there are, of the environment that is chosen', (dashboard) => {
    for (const query of queriesOf(dashboard)) {
      expect(missing(query), query).toEqual([])
      for (const { metric, labels } of metricsOf(query)) expect(labels, `${metric} in ${query}`).toContain('environment')
    }
    const [, environment] = dashboard.templating.list
    const [, metric] = /^label_values\((\w+), environment\)$/.exec(environment.definition) ?? []
    expect([...known.keys()]).toContain(metric)
  })

  test.each(dashboards)('$title has panels that can be told apart and do not overlap', ({ panels }) => {
    const ids = panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    for (const panel of panels)
      if (panel.type !== 'row') expect(new Set(panel.targets.map(({ refId }) => refId)).size).toBe(panel.targets.length)
  })

  test('have uids of their own', () => {
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length)
    expect(z.array(z.string()).parse(dashboards.map(({ title }) => title))).toHaveLength(2)
  })
})

describe('what is asked for is found by a parser', () => {
  test('with the labels of its selectors, and nothing that only looks like a metric', () => {
    expect(
      metricsOf('sum by (environment) (rate(a_total{code=~"x|b_total"}[5m])) / ignoring (x) b{y!="1"} offset 5m > 2'),
    ).toEqual([
      { metric: 'a_total', labels: ['code'] },
      { metric: 'b', labels: ['y'] },
    ])
    expect(() => metricsOf('sum(rate(a[5m])')).toThrow(/no PromQL/)
  })
})
