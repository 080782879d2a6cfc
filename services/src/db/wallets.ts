import type { Queryable } from '@convos/kit'

export interface WalletRow {
  id: string
  state: string
  address: string
  /** Sealed. */
  secret: string
  retainedUntil: Date | null
}

/** The wallets of an instance whose key there still is, the latest first. */
export async function readWallets(db: Queryable, instanceId: string): Promise<WalletRow[]> {
  const { rows } = await db.query<WalletRow>({
    name: 'read_wallets',
    values: [instanceId],
    text: `
      select id, state, resource_id as address, secret, retained_until as "retainedUntil"
      from instance_services
      where instance_id = $1 and tool_id = 'wallet' and resource_id is not null and secret is not null
      order by created_at desc, id`,
  })
  return rows
}

/** That keys left the database is on record before they do. */
export async function noteWalletExported(db: Queryable, instanceId: string): Promise<void> {
  await db.query({
    name: 'note_wallet_exported',
    values: [instanceId],
    text: `insert into instance_events (instance_id, type) values ($1, 'wallet_exported')`,
  })
}
