import { readdir, readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'

const folder = new URL('../../../../docs/ops/', import.meta.url)
const read = (file: string) => readFile(new URL(file, folder), 'utf8')

const Rule = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z
    .string()
    .regex(/^\d+[smh]$/)
    .optional(),
  keep_firing_for: z
    .string()
    .regex(/^\d+[smh]$/)
    .optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook_url: z.string() }),
})
const Rules = z.strictObject({ groups: z.array(z.strictObject({ name: z.string(), rules: z.array(Rule) })) })

export const readRules = async () => Rules.parse(parse(await read('alerts.rules.yml'))).groups.flatMap(({ rules }) => rules)

const Cases = z.looseObject({
  tests: z.array(
    z.looseObject({
      alert_rule_test: z.array(z.looseObject({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })),
    }),
  ),
})

/** Per alert, how many cases it fires in, and in how many it does not. */
export async function readCases(): Promise<Map<string, { fires: number; calm: number }>> {
  const counts = new Map<string, { fires: number; calm: number }>()
  for (const { alert_rule_test } of Cases.parse(parse(await read('alerts.test.yml'))).tests)
    for (const { alertname, exp_alerts } of alert_rule_test) {
      const { fires, calm } = counts.get(alertname) ?? { fires: 0, calm: 0 }
      counts.set(alertname, exp_alerts.length > 0 ? { fires: fires + 1, calm } : { fires, calm: calm + 1 })
    }
  return counts
}

/** The alerts of the runbook, by their headings; GitHub's anchor of each is its name in lower case. */
export const readRunbook = async () =>
  (await read('alerts.md')).split('\n').flatMap((line) => (line.startsWith('## ') ? [line.slice(3)] : []))

const Source = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('${datasource}') })
const Target = z.looseObject({
  datasource: Source,
  expr: z.string().min(1),
  refId: z.string().regex(/^[A-Z]$/),
  legendFormat: z.string(),
})
const Grid = z.strictObject({ h: z.int().min(1), w: z.int().min(1).max(24), x: z.int().min(0), y: z.int().min(0) })
const Chart = z.looseObject({
  id: z.int().min(1),
  type: z.enum(['timeseries', 'stat']),
  title: z.string().min(1),
  datasource: Source,
  gridPos: Grid,
  fieldConfig: z.looseObject({ defaults: z.looseObject({ unit: z.string() }), overrides: z.array(z.unknown()) }),
  options: z.looseObject({}),
  targets: z.array(Target).min(1),
})
const Row = z.looseObject({ id: z.int().min(1), type: z.literal('row'), title: z.string().min(1), gridPos: Grid })
const Variable = z.looseObject({ name: z.string(), type: z.string() })

/** What Grafana asks of a dashboard that is imported; `id` would be that of another Grafana. */
const Dashboard = z.looseObject({
  id: z.undefined().optional(),
  uid: z.string().regex(/^[\w-]{1,40}$/),
  title: z.string().min(1),
  schemaVersion: z.int().min(36),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  templating: z.strictObject({
    list: z.tuple([
      Variable.extend({ name: z.literal('datasource'), type: z.literal('datasource'), query: z.literal('prometheus') }),
      Variable.extend({ name: z.literal('environment'), type: z.literal('query'), datasource: Source, definition: z.string() }),
    ]),
  }),
  panels: z.array(z.discriminatedUnion('type', [Chart, Row])),
})
export type Dashboard = z.infer<typeof Dashboard>

export async function readDashboards(): Promise<Dashboard[]> {
  const files = (await readdir(new URL('grafana/', folder))).filter((file) => file.endsWith('.json'))
  return Promise.all(files.map(async (file) => Dashboard.parse(JSON.parse(await read(`grafana/${file}`)))))
}

export const queriesOf = ({ panels }: Dashboard): string[] =>
  panels.flatMap((panel) => (panel.type === 'row' ? [] : panel.targets.map(({ expr }) => expr)))
