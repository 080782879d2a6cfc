import type { Context } from './context.ts'
import { destroyTool, provisionTool, toolUsage } from './instance/provision.ts'
import { fingerprintOfMarker } from './naming.ts'
import { createTelnyxMessages } from './plugins/telnyx/messages.ts'
import type { PublicDeps } from './public/context.ts'

/** What the public listener has done for an instance by those who drive it. */
export function publicDeps(ctx: Context): PublicDeps {
  const { trustProxy, smsPerDay, telnyx } = ctx.config
  return {
    settings: {
      trustProxy,
      smsPerDay,
      fingerprint: fingerprintOfMarker(ctx.marker('')),
      telnyxPublicKey: telnyx?.publicKey ?? null,
    },
    provisionTool: (p) => provisionTool(ctx, p),
    async destroyTool(p) {
      const { state } = await destroyTool(ctx, p)
      return { ok: state === 'destroyed' || state === 'retained' }
    },
    toolUsage: (instanceId, toolId) => toolUsage(ctx, instanceId, toolId),
    texts: telnyx && createTelnyxMessages(telnyx, ctx.gates.telnyx),
  }
}
