import type { Metrics } from '@convos/kit'
import type { Context } from '../context.ts'
import type { ProvisionToolReply, ToolReply } from '../contract/index.ts'

/** How a caller proves itself: not at all, as an instance, or as the provider whose signature it bears. */
export type PublicAuth = 'open' | 'instance' | 'signed'

/** What the public listener needs of the service; it knows no provider and drives no instance. */
export interface PublicContext extends Pick<Context, 'db' | 'log' | 'clock' | 'tools'> {
  metrics: Metrics
}

export interface PublicSettings {
  /** How many proxies in front are believed about the client's address. */
  trustProxy: number
  /** How many texts an instance may send within a day. */
  smsPerDay: number
  /** Says which deployment this is, to whoever knows. */
  fingerprint: string
  /** Base64 of the bare 32 bytes, as Telnyx shows it; null: there are no webhooks. */
  telnyxPublicKey: string | null
}

/** Sends a text; `state` in Telnyx's words. @throws ProviderError */
export interface TextSender {
  send(text: { from: string; to: string; text: string }): Promise<{ providerId: string; state: string }>
}

/** What is done for an instance elsewhere. */
export interface PublicDeps {
  settings: PublicSettings
  /** The same again is the same resource. @throws Problem 429 `QUOTA` */
  provisionTool(p: {
    instanceId: string
    toolId: string
    requestedBy: 'instance'
    quota: { max: number; perMs: number }
  }): Promise<ProvisionToolReply>
  /** `ok`: it is confirmed gone. */
  destroyTool(p: { instanceId: string; toolId: string; resourceId: string }): Promise<{ ok: boolean }>
  /** What was last measured; null: nothing. */
  toolUsage(instanceId: string, toolId: string): Promise<ToolReply['usage']>
  /** Null while Telnyx is not configured. */
  texts: TextSender | null
}
