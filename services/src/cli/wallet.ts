import { confirm, Refused, Usage } from '@convos/kit'
import { z } from 'zod'
import { InstanceId } from '../contract/index.ts'
import { createVault } from '../crypto.ts'
import { noteWalletExported, readWallets } from '../db/wallets.ts'
import type { Command } from './command.ts'

const Variables = z.object({ PRIVATE_WALLET_KEY: z.string() })

export const wallet: Command = {
  name: 'wallet',
  summary: 'prints the private key of an agent’s wallet',
  usage: 'usage: wallet export INSTANCE_ID [--yes]',
  help: `  Prints address and private key of the instance's wallet, also of a destroyed one while its key is kept (30 days). The export is noted
  among the instance's events; the key is written to standard output only.

  --yes         do not ask
`,
  options: { yes: { type: 'boolean' } },
  positionals: true,
  async run({ db, config, terminal, values, positionals, json }) {
    const [verb, id, ...rest] = positionals
    const instanceId = InstanceId.safeParse(id).data
    if (verb !== 'export' || instanceId === undefined || rest.length > 0) throw new Usage('say which: wallet export INSTANCE_ID')
    const rows = await readWallets(db, instanceId)
    if (rows.length === 0) throw new Refused(`no wallet key of instance ${instanceId} is kept here`)
    await confirm(terminal, {
      yes: values['yes'] === true,
      warning: `Whoever sees the private key of ${instanceId} can spend what is in its wallet.`,
      word: instanceId,
    })
    const vault = createVault(config.encryptionKeys)
    const wallets = rows.map(({ id: rowId, state, address, secret, retainedUntil }) => ({
      address,
      privateKey: Variables.parse(JSON.parse(vault.open(secret, `instance_services/${rowId}/secret`))).PRIVATE_WALLET_KEY,
      state,
      retainedUntil: retainedUntil?.toISOString() ?? null,
    }))
    await noteWalletExported(db, instanceId)
    if (json) terminal.out(JSON.stringify(wallets, null, 2))
    else
      for (const { address, privateKey, state, retainedUntil } of wallets)
        terminal.out(`${address}  ${privateKey}  ${state}${retainedUntil ? ` until ${retainedUntil}` : ''}`)
    return 0
  },
}
