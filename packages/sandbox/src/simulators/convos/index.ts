import { Router } from 'express'
import type { SimContext, Simulator } from '../core/simulator.ts'
import { apiRoutes } from './api.ts'
import { type Conversation, messagesOf } from './model.ts'
import { createNetwork } from './network.ts'
import { pageRoutes } from './page/index.ts'

/** The Convos network: conversations, invites, admission, a JSON API, and a chat page behind each invite link. */
export function createConvos(ctx: SimContext): Simulator {
  const prefix = '/convos'
  const network = createNetwork(() => ctx.clock.now())
  const closing = new AbortController()
  const inviteUrl = ({ invite }: Conversation) => `${ctx.baseUrl()}${prefix}/v2?i=${invite.slug}`

  const fileUrl = (conversationId: string, fileId: string) =>
    `${ctx.baseUrl()}${prefix}/api/conversations/${conversationId}/files/${fileId}`

  const router = Router()
  router.use('/api', apiRoutes({ network, inviteUrl, fileUrl, closing: closing.signal }))
  router.use(pageRoutes(network))

  return {
    name: 'convos',
    prefix,
    router,
    resources: () => ({
      conversations: network.all().map((conversation) => ({
        id: conversation.id,
        name: conversation.name,
        createdAt: conversation.createdAt,
        instanceId: null,
        members: conversation.members.map((member) => member.inboxId),
        messageCount: messagesOf(conversation).length,
      })),
    }),
    dump: () => network.dump(),
    load: (state) => network.load(state),
    reset: () => network.clear(),
    close: async () => closing.abort(),
  }
}
