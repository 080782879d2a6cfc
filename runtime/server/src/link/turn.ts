/** `POST /convos/turn` of the gateway, asked by the agent server with the link's token: one message to be answered. */
import { z } from 'zod'

export const TURN_PATH = '/convos/turn'

/**
 * The same message may be sent again, after either side was killed or gave up waiting: its id is the turn's. Who the agent is
 * travels with each turn, so a changed profile counts from the next one on and nothing of it is kept in the gateway.
 */
export const TurnRequest = z.object({
  conversationId: z.string().min(1),
  /** What the agent remembers of this conversation under another number is not to be used. */
  session: z.number().int().nonnegative(),
  agentName: z.string(),
  instructions: z.string(),
  /** Null: the instance's own. */
  model: z.string().min(1).nullable(),
  message: z.object({
    id: z.string().min(1),
    senderInboxId: z.string(),
    senderName: z.string(),
    fromAgent: z.boolean(),
    text: z.string(),
    /** RFC 3339. */
    sentAt: z.string(),
  }),
  /** What was said in the conversation before, the latest last. */
  history: z.array(z.object({ from: z.enum(['person', 'agent', 'self']), name: z.string(), text: z.string() })),
})
export type TurnRequest = z.infer<typeof TurnRequest>

/** 200. Null: the agent has nothing to say to this. */
export const TurnReply = z.object({ reply: z.string().nullable() })
export type TurnReply = z.infer<typeof TurnReply>

/** 502: the agent ran and failed. `status`: what the model's provider answered, where that is known. */
export const TurnFailure = z.object({ reason: z.string(), status: z.number().int().nullable() })
export type TurnFailure = z.infer<typeof TurnFailure>
