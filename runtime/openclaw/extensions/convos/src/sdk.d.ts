/**
 * The part of OpenClaw 2026.9's plugin SDK that this extension uses. OpenClaw itself (650 MB) is no part of the workspace; that
 * these shapes are true is proven by `pnpm test:openclaw`, which runs the extension in the real gateway.
 */
declare module 'openclaw/plugin-sdk/channel-core' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  /** Opaque: handed back to the gateway as it came. */
  export interface OpenClawConfig {
    readonly channels?: Readonly<Record<string, unknown>>
  }
  export interface Account {
    accountId: string
    enabled: boolean
    configured: boolean
  }
  export interface Log {
    info(text: string): void
    warn(text: string): void
    error(text: string): void
  }

  export interface Route {
    agentId: string
    sessionKey: string
    accountId?: string
    dmScope?: string
  }
  export interface Payload {
    text?: string
    mediaUrl?: string
    mediaUrls?: string[]
    isError?: boolean
    isReasoning?: boolean
  }
  export interface Delivered {
    messageIds?: string[]
    visibleReplySent: boolean
  }
  export interface DispatchOptions {
    sourceReplyDeliveryMode: 'automatic'
    disableBlockStreaming: boolean
    timeoutOverrideMs: number
    abortSignal: AbortSignal
    onAgentRunTerminalOutcome(outcome: 'completed' | 'failed'): void
  }
  export interface ChannelRuntime {
    routing: {
      resolveAgentRoute(p: {
        cfg: OpenClawConfig
        channel: string
        accountId: string
        peer: { kind: 'group'; id: string }
      }): Route
    }
    inbound: {
      ingress: { resolveStable(p: object): Promise<{ ingress: { admission: string } }> }
      buildContext(p: object): object
      dispatch(p: {
        cfg: OpenClawConfig
        channel: string
        accountId: string
        route: Pick<Route, 'agentId' | 'sessionKey' | 'dmScope'>
        ctxPayload: object
        delivery: {
          deliver(payload: Payload, info: { kind: string }): Promise<Delivered>
          onError(err: unknown, info: { kind: string }): void
        }
        replyOptions: DispatchOptions
        replyPipeline: object
      }): Promise<{ dispatched: boolean }>
    }
  }
  export interface PluginRuntime {
    channel: ChannelRuntime
    config: { current(): OpenClawConfig }
  }

  export interface AccountContext {
    cfg: OpenClawConfig
    account: Account
    abortSignal: AbortSignal
    log?: Log
    setStatus(status: Record<string, unknown>): void
  }
  export interface OutboundContext {
    to: string
    text?: string
    mediaUrl?: string
    replyToId?: string | null
    /** Of what is tried again until it is sent, and which part of it. */
    deliveryQueueId?: string
    deliveryPartIndex?: number
  }
  export interface ToolResult {
    content: { type: 'text'; text: string }[]
    details: unknown
  }
  export interface ActionContext {
    action: string
    params: Record<string, unknown>
    toolContext?: { currentMessageId?: string | number; currentChannelId?: string }
  }
  export interface ChannelPlugin {
    id: string
    gateway?: { startAccount(ctx: AccountContext): Promise<void> }
    actions?: {
      describeMessageTool(p: object): { actions: readonly string[]; schema: readonly object[] }
      supportsAction(p: { action: string }): boolean
      handleAction(ctx: ActionContext): Promise<ToolResult>
    }
    [part: string]: unknown
  }

  export interface PluginApi {
    logger: Log
    registerHttpRoute(p: {
      path: string
      /** `plugin`: the handler checks who asks. */
      auth: 'gateway' | 'plugin'
      match: 'exact' | 'prefix'
      /** Any method. True: answered. */
      handler(req: IncomingMessage, res: ServerResponse): Promise<boolean>
    }): void
    on(
      hook: 'before_model_resolve',
      handler: (event: object, ctx: { sessionKey?: string }) => { providerOverride: string; modelOverride: string } | undefined,
    ): void
    on(hook: 'agent_end', handler: (event: object, ctx: { sessionKey?: string }) => void): void
  }

  export function createChannelPluginBase(p: object): ChannelPlugin
  export function createChatChannelPlugin(p: { base: ChannelPlugin; outbound: object }): ChannelPlugin
  export function defineChannelPluginEntry(p: {
    id: string
    name: string
    description: string
    plugin: ChannelPlugin
    setRuntime(runtime: PluginRuntime): void
    registerFull(api: PluginApi): void
    /** Also called for the copies of the plugin that the gateway makes for agents: hooks count only where they are registered. */
    registerCapabilities(api: PluginApi): void
  }): unknown
}

declare module 'openclaw/plugin-sdk/session-store-runtime' {
  export interface SessionEntry {
    status?: string
    abortedLastRun?: boolean
    readonly [part: string]: unknown
  }
  export function listSessionEntries(p: { agentId: string; readOnly: boolean }): { sessionKey: string; entry: SessionEntry }[]
  /** What is undefined in an update is taken away. */
  export function patchSessionEntry(p: {
    agentId: string
    sessionKey: string
    preserveActivity: boolean
    update: (entry: SessionEntry) => SessionEntry | null
  }): Promise<SessionEntry | null>
}
