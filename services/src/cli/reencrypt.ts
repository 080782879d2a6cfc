import type { Queryable } from '@convos/kit'
import { createVault, type Vault } from '../crypto.ts'
import { readStaleInstances, readStaleResources, type SealedRow, resealInstance, resealResource } from '../db/reencrypt.ts'
import type { Command } from './command.ts'

const BATCH = 200
/** What changed or came under our hands is looked for again; a service that still seals with an older key would go on for ever. */
const ROUNDS = 3

interface Table {
  name: 'instance_infra' | 'instance_services'
  readStale: typeof readStaleInstances
  reseal: typeof resealInstance
}

const TABLES: readonly Table[] = [
  { name: 'instance_infra', readStale: readStaleInstances, reseal: resealInstance },
  { name: 'instance_services', readStale: readStaleResources, reseal: resealResource },
]

export interface Reencrypted {
  /** Rows that are sealed with the newest key now. */
  resealed: number
  /** `table/row/column: why` of what cannot be opened; never a value. */
  faults: string[]
  /** Rows that kept changing, or coming. */
  unsettled: number
}

/**
 * Seals everything anew that was sealed with an older key, beside running services: a value that changes meanwhile stays as it was changed. What is
 * done is done; a call that was cut off is simply made again.
 */
export async function reencryptAll(
  p: { db: Queryable; vault: Vault; newestKeyId: string; batch?: number },
  progress: (done: Reencrypted, table: string) => void = () => {},
): Promise<Reencrypted> {
  const done: Reencrypted = { resealed: 0, faults: [], unsettled: 0 }
  for (const table of TABLES) {
    for (let round = 1; round <= ROUNDS; round++) {
      const faults: string[] = []
      let found = 0
      for (let after: string | null = null; ;) {
        const rows: SealedRow[] = await table.readStale(p.db, { newest: `v1.${p.newestKeyId}.`, after, limit: p.batch ?? BATCH })
        const last = rows.at(-1)
        if (!last) break
        after = last.id
        for (const row of rows) {
          const fresh = resealed(p.vault, table.name, row, p.newestKeyId, faults)
          if (!fresh) continue
          found++
          if (await table.reseal(p.db, { before: row, after: fresh })) done.resealed++
        }
        progress(done, table.name)
      }
      if (found === 0 || round === ROUNDS) {
        done.faults.push(...faults)
        done.unsettled += found
        break
      }
    }
  }
  return done
}

/** The row with all its values sealed by the newest key; what cannot be opened stays. Null when nothing would change. */
function resealed(vault: Vault, table: string, row: SealedRow, newestKeyId: string, faults: string[]): SealedRow | null {
  let changed = false
  const columns = Object.fromEntries(
    Object.entries(row.columns).map(([column, sealed]) => {
      if (sealed === null || sealed.startsWith(`v1.${newestKeyId}.`)) return [column, sealed]
      const place = `${table}/${row.id}/${column}`
      const text = opened(vault, sealed, place, faults)
      if (text === null) return [column, sealed]
      changed = true
      return [column, vault.seal(text, place)]
    }),
  )
  return changed ? { id: row.id, columns } : null
}

function opened(vault: Vault, sealed: string, place: string, faults: string[]): string | null {
  try {
    return vault.open(sealed, place)
  } catch (err) {
    const why = err instanceof Error ? err.message : 'cannot be opened'
    faults.push(why.startsWith(place) ? why : `${place}: ${why}`)
    return null
  }
}

export const reencrypt: Command = {
  name: 'reencrypt',
  summary: 'seals every secret with the newest key',
  usage: 'usage: reencrypt',
  help: `  Seals what an older key of SERVICES_ENCRYPTION_KEYS sealed with the first one, while services run. Add the new key in front and restart
  every replica first; when this says that nothing is left, the older keys can go.
`,
  options: {},
  async run({ db, config, terminal, json }) {
    const [{ id: newestKeyId }] = config.encryptionKeys
    const done = await reencryptAll({ db, vault: createVault(config.encryptionKeys), newestKeyId }, ({ resealed: rows }, table) =>
      terminal.progress?.(`${table}: ${rows} rows sealed with "${newestKeyId}" so far`),
    )
    terminal.progress?.('')
    for (const fault of done.faults) terminal.err(fault)
    if (done.unsettled > 0)
      terminal.err(`${done.unsettled} rows kept changing: does a service run with older keys? Restart it, and run this again`)
    if (json) terminal.out(JSON.stringify({ key: newestKeyId, ...done }, null, 2))
    else terminal.out(`${done.resealed} rows sealed with "${newestKeyId}", ${done.faults.length} values cannot be opened`)
    return done.faults.length > 0 || done.unsettled > 0 ? 1 : 0
  },
}
