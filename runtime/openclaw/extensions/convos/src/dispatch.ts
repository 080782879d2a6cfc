import type { TurnReply, TurnRequest } from '@convos/agent-server/link/turn'
import type { Payload, Route } from 'openclaw/plugin-sdk/channel-core'
import type { RunningAccount } from './account.ts'
import { AgentFailed } from './failed.ts'
import { systemPrompt } from './persona.ts'
import { failureOf, statusOf } from './sessions.ts'

export const CHANNEL = 'convos'
const ACCOUNT = 'default'

/** Where OpenClaw keeps what was said in this conversation; the same after every restart. */
export function routeOf({ cfg, channel }: RunningAccount, { conversationId, session }: TurnRequest): Route {
  const id = session === 0 ? conversationId : `${conversationId}~${session}`
  return channel.routing.resolveAgentRoute({ cfg, channel: CHANNEL, accountId: ACCOUNT, peer: { kind: 'group', id } })
}

/**
 * Lets the agent deal with one message, up to the end of its run.
 * @throws AgentFailed
 */
export async function dispatchTurn(
  account: RunningAccount,
  turn: TurnRequest,
  p: { timeoutMs: number; signal: AbortSignal; attach: (file: string) => Promise<void> },
): Promise<TurnReply> {
  const { cfg, channel } = account
  const { conversationId, message } = turn
  const route = routeOf(account, turn)
  const { agentId, sessionKey, dmScope } = route
  const sender = { id: message.senderInboxId, name: message.senderName }
  const ingress = await channel.inbound.ingress.resolveStable({
    channelId: CHANNEL,
    accountId: ACCOUNT,
    cfg,
    identity: { key: 'sender', entryIdPrefix: 'convos-entry' },
    subject: { stableId: message.senderInboxId },
    conversation: { kind: 'group', id: conversationId },
    contextBinding: { agentId, sessionKey, messageId: message.id, inboundEventKind: 'user_request' },
    // who is in the conversation was decided by Convos
    groupPolicy: 'open',
    groupAllowFrom: ['*'],
    dmPolicy: 'open',
    allowFrom: ['*'],
  })
  if (ingress.ingress.admission !== 'dispatch') throw new AgentFailed(`not admitted: ${ingress.ingress.admission}`)
  const target = `${CHANNEL}:${conversationId}`
  const ctxPayload = channel.inbound.buildContext({
    channel: CHANNEL,
    accountId: route.accountId ?? ACCOUNT,
    messageId: message.id,
    messageIdFull: message.id,
    timestamp: Date.parse(message.sentAt),
    from: target,
    sender,
    conversation: { kind: 'group', id: conversationId, label: 'Convos' },
    route: { agentId, dmScope, accountId: route.accountId, routeSessionKey: sessionKey, dispatchSessionKey: sessionKey },
    reply: { to: target, originatingTo: target },
    message: { body: message.text, bodyForAgent: message.text, rawBody: message.text, commandBody: message.text },
    supplemental: { groupSystemPrompt: systemPrompt(turn) },
    channelIngress: ingress,
  })

  const said: string[] = []
  const run: { outcome: 'completed' | 'failed' | null; notice: string | null } = { outcome: null, notice: null }
  const deliver = async (payload: Payload, { kind }: { kind: string }) => {
    if (kind !== 'final' || payload.isReasoning) return { visibleReplySent: false }
    if (payload.isError) {
      run.notice = payload.text ?? 'unknown'
      return { visibleReplySent: false }
    }
    for (const file of payload.mediaUrls ?? (payload.mediaUrl ? [payload.mediaUrl] : [])) await p.attach(file)
    if (payload.text?.trim()) said.push(payload.text)
    return { messageIds: [`reply-${message.id}`], visibleReplySent: true }
  }
  await channel.inbound.dispatch({
    cfg,
    channel: CHANNEL,
    accountId: ACCOUNT,
    route: { agentId, sessionKey, ...(dmScope !== undefined && { dmScope }) },
    ctxPayload,
    delivery: { deliver, onError: (err) => (run.notice ??= String(err)) },
    replyOptions: {
      sourceReplyDeliveryMode: 'automatic',
      disableBlockStreaming: true,
      timeoutOverrideMs: p.timeoutMs,
      abortSignal: p.signal,
      onAgentRunTerminalOutcome: (outcome) => (run.outcome = outcome),
    },
    replyPipeline: {},
  })
  // a failed run says so itself, in words for the gateway's operator
  if (run.outcome === 'failed' || (said.length === 0 && run.notice !== null)) {
    const reason = failureOf(sessionKey) ?? run.notice ?? 'the run failed'
    throw new AgentFailed(reason, statusOf(reason))
  }
  // taken for a repetition, or put off: silence is for an agent to decide
  if (run.outcome === null && said.length === 0) throw new Error('no agent ran for this message')
  return { reply: said.join('\n\n') || null }
}
