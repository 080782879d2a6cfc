import { z } from 'zod'
import { Settings, type SettingsChange, Wallet } from './model.ts'

const State = z.object({
  wallets: z.array(Wallet),
  settings: Settings,
})
type State = z.infer<typeof State>

const empty = (): State => ({
  wallets: [],
  settings: { replay: 'wallet', createsPerMinute: 10, requestsPerMinute: 120 },
})

export type BankrStore = ReturnType<typeof createBankrStore>

/** The partner's wallets, in the order of their creation. */
export function createBankrStore() {
  let state = empty()
  return {
    settings: () => state.settings,
    configure: (change: z.infer<typeof SettingsChange>) => void Object.assign(state.settings, change),

    wallets: () => state.wallets,
    addWallet: (wallet: Wallet) => void state.wallets.push(wallet),
    /** By its id or one of its addresses. */
    wallet: (name: string) =>
      state.wallets.find(
        ({ id, evmAddress, solAddress }) =>
          id === name || evmAddress.toLowerCase() === name.toLowerCase() || (solAddress !== null && solAddress === name),
      ),
    createdWith: (idempotencyKey: string) => state.wallets.find((wallet) => wallet.idempotencyKey === idempotencyKey),
    ownerOf: (secretHash: string) => state.wallets.find(({ key }) => key?.secretHash === secretHash),

    dump: () => state,
    load: (stored: unknown) => void (state = State.parse(stored)),
    reset: () => void (state = empty()),
  }
}
