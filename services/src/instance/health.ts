import { Health, ProvisionReply } from '@convos/agent-server/contract'
import { z } from 'zod'

/** A time as everybody behind us can read it; what is none is left out. */
const Time = z
  .string()
  .transform((text) => {
    const at = Date.parse(text)
    return at >= 0 && at <= LATEST ? new Date(at).toISOString() : null
  })
  .nullable()
const LATEST = Date.parse('9999-12-31T23:59:59Z')

/** Postgres keeps neither NUL nor half a character. */
export const isStorable = (value: unknown): boolean =>
  typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'))

/** What an instance may say of itself. It runs what others tell it to: its words are taken only if they can be kept and passed on. */
export const ProbeAnswer = Health.extend({ lastActivityAt: Time }).refine(
  (health) => Object.values(health).every(isStorable),
  'must be text that can be stored',
)

/** What it answers when it is made somebody's agent: pool keeps it, and hands it to a claimer. */
export const ProvisionAnswer = ProvisionReply.refine(
  (reply) => Object.values(reply).every((value) => isStorable(value) && String(value).length <= ANSWER_MAX),
  'must be text that can be stored',
)
const ANSWER_MAX = 4096
