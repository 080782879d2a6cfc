/**
 * What the gateway may know. It runs what the agent decides to run, so this is a list of what is let through and not of what is held
 * back: neither the control token nor anything added later reaches it unseen.
 */
const LET_THROUGH = [
  'PATH',
  'HOME',
  'LANG',
  'TZ',
  'RAILWAY_VOLUME_MOUNT_PATH',
  'OPENCLAW_STATE_DIR',
  'RAILWAY_PUBLIC_DOMAIN',
  'CHROMIUM_PATH',
  'INSTANCE_ID',
  'XMTP_ENV',
  'OPENCLAW_GATEWAY_TOKEN',
  'OPENCLAW_HEAP_MB',
  'OPENROUTER_API_KEY',
  'OPENROUTER_API_URL',
  'OPENCLAW_PRIMARY_MODEL',
  'ANTHROPIC_API_KEY',
  'SERVICES_URL',
  'INSTANCE_SERVICES_TOKEN',
  'AGENTMAIL_API_KEY',
  'AGENTMAIL_API_URL',
  'AGENTMAIL_INBOX_ID',
  'TELNYX_API_KEY',
  'TELNYX_API_URL',
  'TELNYX_PHONE_NUMBER',
  'BANKR_API_KEY',
  'BANKR_API_URL',
  'PRIVATE_WALLET_KEY',
] as const

/** Read by the gateway itself at its start, so the overlay's values are put in here; everything else reads the overlay at use. */
const READ_AT_START = ['OPENROUTER_API_KEY', 'OPENROUTER_API_URL', 'OPENCLAW_PRIMARY_MODEL', 'ANTHROPIC_API_KEY'] as const

type Vars = Readonly<Record<string, string | undefined>>

/** Of a process's environment, what the gateway's is made of. */
export const letThrough = (env: Vars): Record<string, string> => pick(env, LET_THROUGH)

/** Of the overlay, what a running gateway learns only by a restart. */
export const readAtStart = (overlay: Vars): Record<string, string> => pick(overlay, READ_AT_START)

/** Values that must not stand in a log. */
export const secretsOf = (env: Vars): string[] =>
  Object.entries(env).flatMap(([name, value]) => (/TOKEN|KEY|SECRET|PASSWORD/.test(name) && value ? [value] : []))

const pick = (vars: Vars, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (vars[name] ? [[name, vars[name]]] : [])))
