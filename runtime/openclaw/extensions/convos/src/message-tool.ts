import type { ActionContext, ToolResult } from 'openclaw/plugin-sdk/channel-core'
import { z } from 'zod'
import type { Action } from './link.ts'

/** Beyond `send`, which the gateway does through `outbound`. */
const React = z.object({ messageId: z.coerce.string().optional(), emoji: z.string().min(1), remove: z.boolean().default(false) })
const Rename = z.object({ name: z.string().min(1) })
const Profile = z.object({ displayName: z.string().min(1).optional(), avatarUrl: z.string().min(1).optional() })

const ACTIONS: Record<string, (ctx: ActionContext) => Action> = {
  react({ params, toolContext }) {
    const { messageId = String(toolContext?.currentMessageId ?? ''), emoji, remove } = React.parse(params)
    return { action: 'react', messageId, emoji, remove }
  },
  renameGroup: ({ params }) => ({ action: 'rename', name: Rename.parse(params).name }),
  'set-profile'({ params }) {
    const { displayName, avatarUrl } = Profile.parse(params)
    return { action: 'update-profile', ...(displayName && { name: displayName }), ...(avatarUrl && { image: avatarUrl }) }
  },
}

/** As TypeBox marks what may be left out; without it the agent would have to give it with every message. */
const optionalText = (description: string) => ({ type: 'string', description, '~optional': true })

/** What the agent can do in the conversation with its `message` tool. */
export const messageTool = (perform: (action: Action) => Promise<string | null>) => ({
  describeMessageTool: () => ({
    actions: ['send', ...Object.keys(ACTIONS)],
    schema: [
      {
        actions: ['set-profile'],
        properties: {
          displayName: optionalText('The name you want to be shown under.'),
          avatarUrl: optionalText('An https address of the picture you want to be shown with.'),
        },
      },
    ],
  }),
  supportsAction: ({ action }: { action: string }) => action in ACTIONS,
  async handleAction(ctx: ActionContext): Promise<ToolResult> {
    const asked = ACTIONS[ctx.action]
    if (!asked) throw new Error(`Convos knows no ${ctx.action}`)
    const messageId = await perform(asked(ctx))
    const details = { ok: true, ...(messageId && { messageId }) }
    return { content: [{ type: 'text', text: JSON.stringify(details) }], details }
  },
})
