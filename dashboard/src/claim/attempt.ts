import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { z } from 'zod'
import { useSessionState } from '../ui/useSessionState.ts'

/** What one press of the claim button sends: its key makes every repeat of the request the same claim. */
const Attempt = z.object({
  key: z.string(),
  startedAt: z.number(),
  /** How the agent will be called, as far as we know. */
  name: z.string(),
  /** Its template has tools, which are made on the way. */
  tools: z.boolean().default(false),
  /** With credentials of the claimer, which are not kept here. */
  secret: z.boolean(),
  body: z.object({
    agentName: z.string().exactOptional(),
    instructions: z.string().exactOptional(),
    joinUrl: z.string().exactOptional(),
    templateId: z.string().exactOptional(),
    waitMs: z.number(),
  }),
})
export type Attempt = z.infer<typeof Attempt>
export type UserConfig = Record<string, Record<string, unknown>>

const STORED_AS = 'convos.claim'

/** Credentials of a claim under way are held with the session's data in memory: in no storage of the browser, and gone with it. */
const credentialsKey = ({ key }: Pick<Attempt, 'key'>) => ['credentials', key]

export const credentialsOf = (client: QueryClient, attempt: Attempt) => client.getQueryData<UserConfig>(credentialsKey(attempt))

/** After this, a reload asks for nothing. */
export function forgetAttempt(client: QueryClient, attempt: Attempt): void {
  client.removeQueries({ queryKey: credentialsKey(attempt) })
  sessionStorage.removeItem(STORED_AS)
}

interface Start {
  body: Attempt['body']
  name: string
  tools: boolean
  userConfig: UserConfig | undefined
}

/** The attempt on screen, kept over reloads so that its result is found; null while the form is open. */
export function useAttempt() {
  const client = useQueryClient()
  const [attempt, setAttempt] = useSessionState(STORED_AS, Attempt.nullable(), null)
  return {
    attempt,
    start: ({ body, name, tools, userConfig }: Start) => {
      const key = crypto.randomUUID()
      if (userConfig) client.setQueryData(credentialsKey({ key }), userConfig)
      setAttempt({ key, startedAt: Date.now(), name, tools, secret: userConfig !== undefined, body })
    },
    putAway: () => {
      if (attempt) client.removeQueries({ queryKey: credentialsKey(attempt) })
      setAttempt(null)
    },
  }
}
