import { createHash } from 'node:crypto'
import { type Queryable, readMeta } from '@convos/kit'

/** Tells deployments apart where anybody may look, without naming one. */
export async function readFingerprint(db: Queryable): Promise<string> {
  const { deploymentId, environment } = await readMeta(db)
  return createHash('sha256').update(`${deploymentId}:${environment}`).digest('hex').slice(0, 16)
}
