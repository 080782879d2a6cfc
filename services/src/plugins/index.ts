import type { Gate } from '../budget/gate.ts'
import type { Registry } from '../registry.ts'
import { agentmail, type AgentmailOptions } from './agentmail.ts'
import { bankr, type BankrOptions } from './bankr.ts'
import { openrouter, type OpenrouterOptions } from './openrouter.ts'
import { telnyx, type TelnyxOptions } from './telnyx.ts'
import { wallet } from './wallet.ts'

/** By provider; null: not configured. */
export interface ToolOptions {
  openrouter: OpenrouterOptions | null
  agentmail: AgentmailOptions | null
  telnyx: TelnyxOptions | null
  bankr: BankrOptions | null
}

/** Makes every tool known. Each provider's requests go through the gate of its name. */
export function registerAll(registry: Registry, options: ToolOptions, gateOf: (provider: keyof ToolOptions) => Gate): void {
  registry.register(openrouter(options.openrouter, gateOf('openrouter')))
  registry.register(wallet)
  registry.register(agentmail(options.agentmail, gateOf('agentmail')))
  registry.register(telnyx(options.telnyx, gateOf('telnyx')))
  registry.register(bankr(options.bankr, gateOf('bankr')))
}
