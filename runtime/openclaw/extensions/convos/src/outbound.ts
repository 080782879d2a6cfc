import { fileURLToPath } from 'node:url'
import type { OutboundContext } from 'openclaw/plugin-sdk/channel-core'
import { type Action, act } from './link.ts'
import type { LinkSettings } from './settings.ts'

type Act = (action: Action) => Promise<string | null>

/** A file on this machine; null for what lies elsewhere. */
function localPath(media: string): string | null {
  if (media.startsWith('file:')) return fileURLToPath(media)
  return media.startsWith('/') ? media : null
}

/** Attaches a file, or tells where it lies. */
export const attachMedia = (perform: Act, media: string): Promise<string | null> => {
  const path = localPath(media)
  return perform(path === null ? { action: 'send', text: media } : { action: 'attach', path })
}

/** What the gateway sends besides its replies: there is one conversation, whatever the target. */
export function outbound(link: () => LinkSettings | null) {
  const perform: Act = async (action) => {
    const settings = link()
    if (!settings) throw new Error('this gateway was not started by an agent server, so it has no conversation')
    return await act(settings, action)
  }
  const say = ({ text = '', replyToId, deliveryQueueId, deliveryPartIndex }: OutboundContext) =>
    perform({
      action: 'send',
      text,
      ...(replyToId && { replyTo: replyToId }),
      // told again after a restart, the same part is said once
      ...(deliveryQueueId && { id: `${deliveryQueueId}-${deliveryPartIndex ?? 0}` }),
    })
  return {
    perform,
    sendText: async (ctx: OutboundContext) => ({ messageId: (await say(ctx)) ?? '' }),
    sendMedia: async (ctx: OutboundContext) => {
      const sent = ctx.mediaUrl ? await attachMedia(perform, ctx.mediaUrl) : null
      const said = ctx.text?.trim() ? await say(ctx) : null
      return { messageId: sent ?? said ?? '' }
    },
  }
}
