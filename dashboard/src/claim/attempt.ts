import { z } from 'zod'
import { useSessionState } from '../ui/useSessionState.ts'

/** What one press of the claim button sends: its key makes every repeat of the request the same claim. */
const Attempt = z.object({
  key: z.string(),
  startedAt: z.number(),
  body: z.object({
    agentName: z.string().exactOptional(),
    instructions: z.string().exactOptional(),
    joinUrl: z.string().exactOptional(),
    waitMs: z.number(),
  }),
})
export type Attempt = z.infer<typeof Attempt>

const STORED_AS = 'convos.claim'

/** After this, a reload asks for nothing. */
export const forgetAttempt = (): void => sessionStorage.removeItem(STORED_AS)

/** The attempt on screen, kept over reloads so that its result is found; null while the form is open. */
export function useAttempt() {
  const [attempt, setAttempt] = useSessionState(STORED_AS, Attempt.nullable(), null)
  return {
    attempt,
    start: (body: Attempt['body']) => setAttempt({ key: crypto.randomUUID(), startedAt: Date.now(), body }),
    putAway: () => setAttempt(null),
  }
}
