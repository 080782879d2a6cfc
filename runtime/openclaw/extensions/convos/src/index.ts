import { TURN_PATH, type TurnReply } from '@convos/agent-server/link/turn'
import { createChannelPluginBase, createChatChannelPlugin, defineChannelPluginEntry } from 'openclaw/plugin-sdk/channel-core'
import { AccountHolder } from './account.ts'
import { CHANNEL, dispatchTurn, routeOf } from './dispatch.ts'
import { closeInterrupted } from './interrupted.ts'
import { messageTool } from './message-tool.ts'
import { claimedModel } from './model.ts'
import { attachMedia, outbound } from './outbound.ts'
import { turnHandler } from './route.ts'
import { beginTurn, modelOverride, noteEnd } from './sessions.ts'
import { readLinkSettings, readModelSource } from './settings.ts'
import { Turns } from './turns.ts'

/** Shorter than the agent server waits, so that it hears of the end of a run that took too long. */
const RUN_MS = 270_000

const link = readLinkSettings(process.env)
const modelSource = readModelSource(process.env)
const account = new AccountHolder(() => closeInterrupted(CHANNEL))
const turns = new Turns<TurnReply>()

const { perform, sendText, sendMedia } = outbound(() => link)

const isConfigured = () => link !== null

const base = createChannelPluginBase({
  id: CHANNEL,
  meta: {
    id: CHANNEL,
    label: 'Convos',
    selectionLabel: 'Convos',
    docsPath: '/channels/convos',
    blurb: 'The conversation on Convos.',
  },
  capabilities: { chatTypes: ['group'], media: true, reactions: true, reply: true },
  config: {
    listAccountIds: () => (isConfigured() ? ['default'] : []),
    resolveAccount: () => ({ accountId: 'default', enabled: true, configured: isConfigured() }),
    isConfigured,
    isEnabled: () => true,
    inspectAccount: () => ({ enabled: true, configured: isConfigured() }),
  },
  setup: { applyAccountConfig: ({ cfg }: { cfg: object }) => cfg },
})

export default defineChannelPluginEntry({
  id: CHANNEL,
  name: 'Convos',
  description: 'The agent’s conversation on Convos',
  // the base builder drops `gateway`; without it the account is never started and the gateway never ready
  plugin: createChatChannelPlugin({
    base: {
      ...base,
      gateway: { startAccount: account.start },
      actions: messageTool(perform),
      messaging: {
        targetPrefixes: [CHANNEL],
        normalizeTarget: (raw: string) => raw.trim() || undefined,
        inferTargetChatType: () => 'group',
        targetResolver: { looksLikeId: () => true, hint: '<conversation>' },
      },
    },
    outbound: { base: { deliveryMode: 'direct' }, attachedResults: { channel: CHANNEL, sendText, sendMedia } },
  }),
  setRuntime: account.setRuntime,
  registerCapabilities(api) {
    api.on('before_model_resolve', (_event, { sessionKey }) => modelOverride(sessionKey))
    api.on('agent_end', (event, { sessionKey }) => noteEnd(sessionKey, event))
  },
  registerFull(api) {
    if (!link) return
    const handler = turnHandler({
      token: link.token,
      turn: (request) =>
        turns.run(request.message.id, async () => {
          const running = account.running
          if (!running) throw new Error('the account is not running')
          return await running.run(async () => {
            beginTurn(routeOf(running, request).sessionKey, claimedModel(request.model, modelSource))
            return await dispatchTurn(running, request, {
              timeoutMs: RUN_MS,
              signal: AbortSignal.timeout(RUN_MS),
              attach: async (media) => void (await attachMedia(perform, media)),
            })
          })
        }),
    })
    api.registerHttpRoute({ path: TURN_PATH, auth: 'plugin', match: 'exact', handler })
  },
})
