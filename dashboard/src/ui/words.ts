import type { ApiError } from '../api/errors.ts'

interface Words {
  what: string
  todo: string
}

/** What happened and what to do, for the codes people meet. */
const WORDS: Record<string, Words> = {
  UNREACHABLE: {
    what: 'The pool did not answer.',
    todo: 'Check the network, and that the pool is running; then try again.',
  },
  FOREIGN_ANSWER: {
    what: 'Something between you and the pool answered in its place.',
    todo: 'A proxy, a gateway or a network login may stand in the way, or the pool is just restarting. Try again; if it stays, tell an operator.',
  },
  UNREADABLE: {
    what: 'The answer could not be understood.',
    todo: 'The pool may have been upgraded: reload the page. If that does not help, tell an operator.',
  },
  POOL_EMPTY: {
    what: 'No agent was ready.',
    todo: 'The pool is being refilled. Wait for the next one, or come back later.',
  },
  CLAIM_FAILED: {
    what: 'Three agents in a row could not take the job.',
    todo: 'Nothing was left behind. Try again; if it happens again, tell an operator.',
  },
  CLAIM_ENDED: { what: 'This agent has ended since.', todo: 'Claim another one.' },
  INTERRUPTED: { what: 'The pool restarted while it worked on the claim.', todo: 'Nothing was left behind. Try again.' },
  NOT_LET_IN: { what: 'The agent was not let into the conversation.', todo: 'Ask someone there to accept it, and claim again.' },
  INVALID_INVITE: { what: 'This is not an invite link of Convos.', todo: 'Copy the whole link from the app and paste it again.' },
  WRONG_NETWORK: {
    what: 'This invite belongs to another Convos network.',
    todo: 'Use an invite made in the same network as this pool.',
  },
  TEMPLATE_NOT_FOUND: {
    what: 'There is no such template for you.',
    todo: 'It may have been deleted, or be private to somebody else. Choose another one.',
  },
  CREDENTIALS_GONE: {
    what: 'The page was loaded anew, or you logged in anew, while a claim with your credentials was on its way.',
    todo: 'Credentials are kept nowhere, so its result cannot be asked for. If the agent was made, your operator can find it; otherwise claim again.',
  },
  CLAIM_CANCELLED: { what: 'The claim was cancelled.', todo: 'Claim again whenever you like.' },
  USER_CONFIG_REQUIRED: { what: 'A tool of this template needs your credentials.', todo: 'Fill them in below.' },
  USER_CONFIG_REJECTED: {
    what: 'The provider of a tool did not accept your credentials.',
    todo: 'Check them with the provider; nothing was claimed.',
  },
  MODEL_NOT_ALLOWED: { what: 'This template does not allow that model.', todo: 'Claim it with the model of the template.' },
  IDEMPOTENCY_CONFLICT: { what: 'This claim was already made with other details.', todo: 'Claim again; it is a new claim.' },
  VERSION_CONFLICT: {
    what: 'Somebody saved another version meanwhile.',
    todo: 'Look at what it says now, then decide again.',
  },
  TOOLS_NOT_OFFERED: {
    what: 'It asks for tools that are not to be had here.',
    todo: 'Switch them off, or let the claimer bring them.',
  },
  SERVICES_UNAVAILABLE: {
    what: 'The part of the pool that works with providers does not answer.',
    todo: 'It usually comes back by itself. Try again in a minute.',
  },
  RATE_LIMITED: { what: 'Too many requests with this key.', todo: 'Wait a little, then try again.' },
  BAD_ORIGIN: {
    what: 'The pool takes changes from its own address only.',
    todo: 'Open the dashboard at the address that the pool is configured with, and log in there.',
  },
  SHUTTING_DOWN: { what: 'This copy of the pool is being replaced.', todo: 'Another one takes over within seconds; try again.' },
  PAUSED: { what: 'The refill is paused.', todo: 'Resume it first.' },
  MAX_TOTAL: { what: 'The cap is reached.', todo: 'End instances, or raise the cap in the settings.' },
  CREATION_FAILING: { what: 'Creation keeps failing.', todo: 'It is tried again by itself; or reset the breaker of the image.' },
  UNTRUSTED_IMAGE: { what: 'The image has yet to prove itself.', todo: 'Try again once an instance on it is ready.' },
  IMAGE_UNKNOWN: { what: 'The wanted image is not known.', todo: 'Services looks it up every minute; try again then.' },
  IMAGE_BAD: { what: 'The wanted image does not boot.', todo: 'Push another one, or reset its breaker.' },
  FORBIDDEN: { what: 'Your key does not allow this.', todo: 'Log in with a key of an operator.' },
  NOT_FOUND: { what: 'It is not there any more.', todo: 'It was removed, or the address is mistyped.' },
}

/** Says a failure in words; a code without its own is told in the pool's. */
export function wordsFor(error: ApiError): Words {
  const known = WORDS[error.code] ?? (error.status === 403 ? WORDS['FORBIDDEN'] : undefined)
  if (known) return known
  const sure = error.status !== null && error.status < 500
  return {
    what: sure ? 'The pool refused.' : 'Something failed in the pool.',
    todo: sure ? 'Try again once that has changed.' : 'Try again; if it happens again, tell an operator the request id.',
  }
}
