import { CallError } from '@convos/agent-commands/http'

/** What it says is for the agent, as it is. */
export class Refusal extends Error {
  override name = 'Refusal'
}

/** What our services refuse, in words that an agent can act on. */
const WORDS: Readonly<Record<string, string>> = {
  UNAUTHORIZED:
    'Services do not accept the token of this machine. Nothing you can do helps; tell the chat that whoever runs this agent must look.',
  NOT_YOURS: 'This is allowed for your own tools only.',
  NOT_CLAIMED: 'This works only after somebody has claimed this agent.',
  TOOL_NOT_ALLOWED:
    'Your template does not allow this tool, so you cannot get it for yourself. Whoever claimed you can claim an agent that has it.',
  TOOL_UNKNOWN: 'There is no tool of that name. Call list_tools.',
  TOOL_UNAVAILABLE: 'This tool is not set up where this agent runs. It cannot be had here.',
  TOOL_EXISTS: 'You have this tool already. Call list_tools.',
  TOOL_GOING: 'The tool you had is still being removed. Try again in a few minutes.',
  QUOTA: 'You have asked for this tool too often within 30 days.',
  RATE_LIMITED: 'Too many requests. Wait a little.',
  INSTANCE_NOT_RUNNING: 'This machine is being taken down; nothing new can be had.',
  NO_NUMBER: 'You have no number to text with. Offer to get one: provision_tool with toolId "sms".',
  SMS_CAP: 'The number of texts a day is used up.',
  SMS_REJECTED: 'The provider does not send this text: check the number and the words.',
  SMS_UNAVAILABLE: 'No text can be sent now. Nothing was sent.',
}

/** Why something was not done, for an agent; null for what nobody foresaw. */
export function wordsFor(err: unknown): string | null {
  if (err instanceof Refusal) return err.message
  if (!(err instanceof CallError)) return null
  const words = Object.hasOwn(WORDS, err.code ?? '') ? WORDS[err.code ?? ''] : undefined
  const wait = err.retryAfterMs === null ? '' : ` It works again in ${duration(err.retryAfterMs)}.`
  return (words ?? `It did not work: ${err.message}.`) + wait
}

function duration(ms: number): string {
  const minutes = Math.ceil(ms / 60_000)
  if (minutes <= 1) return 'a minute'
  if (minutes < 120) return `${minutes} minutes`
  const hours = Math.ceil(minutes / 60)
  return hours < 48 ? `${hours} hours` : `${Math.ceil(hours / 24)} days`
}
