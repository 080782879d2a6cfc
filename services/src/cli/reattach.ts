import { confirm, Refused, withTransaction } from '@convos/kit'
import { openGate } from '../budget/gate.ts'
import type { Config } from '../config.ts'
import { countMade, renameDeployment } from '../db/detach.ts'
import { ProviderError } from '../infra/errors.ts'
import { createRailway } from '../infra/railway.ts'
import { markerOf } from '../naming.ts'
import type { Command } from './command.ts'
import { refuseBesideOthers } from './detach.ts'

/** Whose instances there are at the provider in this environment: their ids, by deployment. */
async function deploymentsOf(config: Config): Promise<Map<string, string[]>> {
  const infra = createRailway({ ...config.railway, environment: config.environment, gate: openGate })
  const places = await infra.list().catch((cause: unknown) => {
    throw cause instanceof ProviderError ? new Refused(cause.message, { cause }) : cause
  })
  const found = places.flatMap(({ marker }) => {
    const [, deploymentId = '', environment = '', instanceId = ''] = marker.split(':')
    const own = markerOf({ deploymentId, environment }, instanceId) === marker && environment === config.environment
    return own ? [{ deploymentId, instanceId }] : []
  })
  const grouped = Map.groupBy(found, ({ deploymentId }) => deploymentId)
  return new Map([...grouped].map(([id, group]) => [id, group.map(({ instanceId }) => instanceId).toSorted()]))
}

export const reattach: Command = {
  name: 'reattach',
  summary: 'gives a new database the deployment id that the instances carry',
  usage: 'usage: reattach [DEPLOYMENT_ID] [--yes] [--force]',
  help: `  For services whose database was lost, with no backup to restore: what is at Railway carries the id of the old one, and a new database
  does not take it for its own. Without DEPLOYMENT_ID it lists those that are there. With it, this database, which must not have
  made anything yet, takes that id; then "reconcile" reports the instances, and adopts those that it is told. Nothing is destroyed.

  --yes         do not ask
  --force       even while other connections or leases are alive
`,
  options: { yes: { type: 'boolean' }, force: { type: 'boolean' } },
  positionals: true,
  async run({ db, meta, config, terminal, values, positionals, json }) {
    const deployments = await deploymentsOf(config)
    const [wanted] = positionals
    if (wanted === undefined) {
      const lines = [...deployments].map(
        ([id, ids]) => `${id}  ${ids.length} instances${id === meta.deploymentId ? ', ours' : ''}`,
      )
      if (json)
        terminal.out(JSON.stringify({ deploymentId: meta.deploymentId, deployments: Object.fromEntries(deployments) }, null, 2))
      else terminal.out(lines.length > 0 ? lines.join('\n') : `nothing at Railway is of environment "${meta.environment}"`)
      return 0
    }
    const ids = deployments.get(wanted)
    if (!ids) throw new Refused(`nothing at Railway is of deployment "${wanted}" in environment "${meta.environment}"`)
    if (values['force'] !== true) await refuseBesideOthers(db)
    await confirm(terminal, {
      yes: values['yes'] === true,
      warning: `This database takes over ${ids.length} instances of deployment ${wanted}. Where another services still runs with it, both will act on them.`,
      word: wanted,
    })
    await withTransaction(db, async (tx) => {
      const made = await countMade(tx)
      if (made > 0) throw new Refused(`this database has made ${made} instances itself: they would not be its own any more`)
      await renameDeployment(tx, wanted)
    })
    if (json) terminal.out(JSON.stringify({ deploymentId: wanted, instances: ids }, null, 2))
    else terminal.out(`deployment ${wanted} now; ${ids.length} instances to adopt: start services, then "pnpm reconcile"`)
    return 0
  },
}
