import type { Terminal } from '@convos/kit'
import { Operation, ReconcileReport } from '../contract/index.ts'
import type { Command } from './command.ts'
import { follow, toTheEnd } from './follow.ts'
import { table } from './table.ts'

/** What the ledgers say beside what there is. */
export const reconcile: Command = {
  name: 'reconcile',
  summary: 'compares the ledgers with what there is at the providers',
  usage: 'usage: reconcile [--apply] [--adopt ID…]',
  help: `  --apply        remove what is proven to be nobody's; without it nothing is changed
  --adopt ID     take a bound instance back that no ledger knows; may be repeated`,
  options: { apply: { type: 'boolean' }, adopt: { type: 'string', multiple: true } },
  async run({ api, terminal, values, json }) {
    const adopt = Array.isArray(values['adopt']) ? values['adopt'] : []
    const body = { dryRun: values['apply'] !== true, ...(adopt.length > 0 ? { adopt } : {}) }
    const ended = await toTheEnd({ api, terminal }, await api.post('/api/pool/reconcile', body, Operation))
    const report = ReconcileReport.safeParse(ended.report).data
    if (json || !report) return follow({ api, terminal, json }, ended)
    tell(terminal, report)
    return 0
  },
}

function tell({ out }: Terminal, report: ReconcileReport): void {
  out(report.dryRun ? 'nothing was changed (say --apply to act)' : 'done')
  const section = (title: string, head: string[], rows: (string | null)[][]) => {
    out(`\n${title}: ${rows.length}`)
    if (rows.length > 0) out(table([head, ...rows]))
  }
  section(
    'at the providers, or missing there',
    ['PROVIDER', 'RESOURCE', 'INSTANCE', 'KIND', 'ACTION', 'REASON'],
    report.findings.map((f) => [f.provider, f.resourceId, f.instanceId, f.kind, f.action, f.reason]),
  )
  section(
    'automation would end',
    ['INSTANCE', 'STATUS', 'REASON'],
    report.wouldDestroy.map((one) => [one.instanceId, one.from, one.reason]),
  )
  section(
    'to adopt',
    ['INSTANCE', 'ACTION', 'REASON'],
    report.adopted.map((one) => [one.instanceId, one.action, one.reason]),
  )
  const ids = (title: string, some: readonly string[]) => {
    if (some.length > 0) out(`\n${title}: ${some.join(' ')}`)
  }
  ids('instances that services never heard of', report.absent)
  ids('instances that this pool has no row of (see pool:db:enrich)', report.unknown)
  ids('instances that services could say nothing of', report.silent)
  for (const { provider, error } of report.unlisted) out(`\n${provider} could not be listed, so nothing is said of it: ${error}`)
}
