import { Problem } from '@convos/kit'
import type { Context } from './context.ts'
import { type InstanceRow, readInstance } from './db/instances.ts'

export const unknownInstance = () => new Problem({ status: 404, code: 'NOT_FOUND', detail: 'there is no such instance' })

/** @throws Problem 404 */
export async function knownInstance({ db }: Pick<Context, 'db'>, id: string): Promise<InstanceRow> {
  const row = await readInstance(db, id)
  if (!row) throw unknownInstance()
  return row
}
