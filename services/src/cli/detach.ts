import { randomBytes } from 'node:crypto'
import { confirm, type Database, Refused, withTransaction } from '@convos/kit'
import { countOthers, forgetCoordination, forgetInstances, forgetResources, renameDeployment } from '../db/detach.ts'
import type { Command } from './command.ts'

export interface Detached {
  deploymentId: string
  instances: number
  resources: number
  retained: number
}

/** Makes a copied database inert, all of it or nothing: whatever the original has is the original's alone from here on. */
const detachDatabase = (db: Database): Promise<Detached> =>
  withTransaction(db, async (tx) => {
    const deploymentId = randomBytes(4).toString('hex')
    await renameDeployment(tx, deploymentId)
    const { live, retained } = await forgetResources(tx)
    const instances = await forgetInstances(tx)
    await forgetCoordination(tx)
    return { deploymentId, instances, resources: live, retained }
  })

/** @throws Refused while others are at the database */
export async function refuseBesideOthers(db: Database): Promise<void> {
  const { connections, leases } = await countOthers(db)
  if (connections + leases > 0)
    throw new Refused(
      `a service may be at work on this database (${connections} connections, ${leases} leases): stop it and wait two minutes, or say --force`,
    )
}

export const detach: Command = {
  name: 'detach',
  summary: 'makes a copied database inert',
  usage: 'usage: detach [--yes] [--force]',
  help: `  For a database that was copied or restored beside its original: forgets every instance, tool and retained wallet key, and takes another
  deployment id, so that nothing of the original is ever probed, changed or destroyed from here. The original is not touched.

  --yes         do not ask
  --force       even while other connections or leases are alive
`,
  options: { yes: { type: 'boolean' }, force: { type: 'boolean' } },
  async run({ db, meta, terminal, values, json }) {
    const forced = values['force'] === true
    if (!forced) await refuseBesideOthers(db)
    await confirm(terminal, {
      yes: values['yes'] === true,
      warning: `Every secret and every provider's id in this database of environment "${meta.environment}" (deployment ${meta.deploymentId}) will be forgotten. If it is the original, its agents are lost.`,
      word: meta.environment,
    })
    // whoever was asked may have taken their time
    if (!forced) await refuseBesideOthers(db)
    const done = await detachDatabase(db)
    if (json) terminal.out(JSON.stringify(done, null, 2))
    else
      terminal.out(
        `detached: deployment ${done.deploymentId} now; forgot ${done.instances} instances, ${done.resources} tools and ${done.retained} retained ones`,
      )
    return 0
  },
}
