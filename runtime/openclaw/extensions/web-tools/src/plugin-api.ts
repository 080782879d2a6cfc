import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * The part of OpenClaw's plugin API that this extension uses. OpenClaw itself is no part of the workspace; that these shapes are true
 * is proven by running the extension in the real gateway.
 */
export interface PluginApi {
  logger: { warn(message: string): void }
  registerTool(tool: AgentTool): void
  registerHttpRoute(route: HttpRoute): void
  runtime: { state: { resolveStateDir(): string } }
}

export interface AgentTool {
  /** Must be listed in `contracts.tools` of `openclaw.plugin.json`. */
  name: string
  label: string
  /** What the model is told. */
  description: string
  /** JSON Schema. */
  parameters: object
  execute(callId: string, params: unknown, signal?: AbortSignal): Promise<ToolResult>
}

export interface ToolResult {
  content: { type: 'text'; text: string }[]
  details: { ok: boolean }
}

export interface HttpRoute {
  path: string
  /** `plugin`: the handler checks who asks. */
  auth: 'gateway' | 'plugin'
  match: 'exact' | 'prefix'
  /** Any method. True: answered. */
  handler(req: IncomingMessage, res: ServerResponse): Promise<boolean>
}
