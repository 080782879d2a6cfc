import { Operation } from '../contract/index.ts'
import type { Command } from './command.ts'
import { follow } from './follow.ts'

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
    const begun = await api.post('/api/pool/reconcile', body, Operation)
    return follow({ api, terminal, json }, begun)
  },
}
