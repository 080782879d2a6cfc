/**
 * Every variable that an instance may hold, and whose each value is. A name that is not here is a secret or an address that somebody is
 * about to share: it belongs here only with a value of the instance's own, or one that everybody may know.
 */
export const INSTANCE_VARIABLES = {
  /** Made for this instance, and for no other. */
  own: [
    'INSTANCE_CONTROL_TOKEN',
    'INSTANCE_ID',
    'INSTANCE_SERVICES_TOKEN',
    'OPENCLAW_GATEWAY_TOKEN',
    'OPENROUTER_API_KEY',
    'PRIVATE_WALLET_KEY',
    'SETUP_PASSWORD',
  ],
  /** The same everywhere, and no secret. */
  open: ['OPENCLAW_PRIMARY_MODEL', 'OPENROUTER_API_URL', 'PORT', 'RAILWAY_RUN_UID', 'SERVICES_URL', 'XMTP_ENV'],
  /** What the tools of a claim bring: keys of its own, or its claimer's. */
  tools: [
    'AGENTMAIL_API_KEY',
    'AGENTMAIL_API_URL',
    'AGENTMAIL_INBOX_ID',
    'BANKR_API_KEY',
    'BANKR_API_URL',
    'TELNYX_API_KEY',
    'TELNYX_PHONE_NUMBER',
  ],
} as const

/** What Railway adds by itself: names and addresses of what the instance runs in. */
const ADDED_BY_RAILWAY =
  /^RAILWAY_(PROJECT|ENVIRONMENT|SERVICE|DEPLOYMENT|REPLICA|VOLUME|PUBLIC|PRIVATE)_(ID|NAME|REGION|MOUNT_PATH|DOMAIN)$/

/** Those of `names` that no instance may hold. */
export const notForInstances = (names: string[]): string[] => {
  const allowed = new Set<string>(Object.values(INSTANCE_VARIABLES).flat())
  return names.filter((name) => !allowed.has(name) && !ADDED_BY_RAILWAY.test(name))
}
