import { z } from 'zod'

/** What the process that ticks tells of one pass over the fleet. */
export const Pass = z.object({ ms: z.number(), rssBytes: z.number() })
export type Pass = z.infer<typeof Pass>
