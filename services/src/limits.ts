/** Deadlines, leases and bounds, each under the name it is known by. Milliseconds unless the name says otherwise. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

// calls
export const RAILWAY_QUERY = 15 * SECOND
/** Railway's mutations were seen to take tens of seconds; a timeout is not a failure. */
export const RAILWAY_MUTATION = 60 * SECOND
export const OTHER_PROVIDER = 15 * SECOND
export const PROBE = 3 * SECOND
/** Of anything that an instance answers. */
export const INSTANCE_MAX_BYTES = 64 * 1024
export const CONFIGURE = 25 * SECOND
export const CONFIGURE_JOIN = 18 * SECOND
/** What is kept back of a deadline to answer in. */
export const RESERVE = 2 * SECOND
export const INSTANCE_CALL = 10 * SECOND
export const STATUS_BATCH = 10 * SECOND

// runner
export const RUNNER_LEASE = 120 * SECOND
export const RUNNER_RENEW_EVERY = 30 * SECOND
export const RUNNER_POLL_EVERY = SECOND
export const RUNNER_CONCURRENCY = 8
export const RETRY_BASE = 2 * SECOND
export const RETRY_CAP = 5 * MINUTE
/** So many outright refusals in a row, and a creation is given up as `deploy_failed`. */
export const CREATE_REFUSALS = 5
/** A ledger row without a provider id counts as gone so long after its last call ended. */
export const GONE_AFTER = 120 * SECOND
/** A committed patch that has started no deployment by then is deployed explicitly. */
export const DEPLOYMENT_EXPECTED_WITHIN = 30 * SECOND
export const DEPLOYMENT_LOOK_EVERY = 5 * SECOND
/** When a 429 does not say. */
export const RATE_LIMIT_DEFAULT_WAIT = MINUTE

// probing
export const PROBE_POLL_EVERY = 250
export const PROBE_CONCURRENCY = 40
/** A claimed probe whose prober died is due again then. */
export const PROBE_CLAIM = 10 * SECOND
export const PROBE_IN_TRANSITION = SECOND
export const PROBE_UNBOUND = 5 * SECOND
export const PROBE_BOUND = 60 * SECOND
export const PROBE_FAILING = 5 * SECOND
export const PROBE_FAILING_CAP = 60 * SECOND
/** Failed probes in a row before an instance is looked up at Railway. */
export const LOOKUP_AFTER_FAILURES = 2
export const LOOKUP_DEPLOYING = 10 * SECOND
export const LOOKUP_FAILING = 30 * SECOND
export const LOOKUP_BATCH = 25
/** Over all replicas: one look-up request at a time, and no more often than this. */
export const LOOKUP_EVERY = 2 * SECOND

// changes
export const CHANGES_POLL_EVERY = 200
export const CHANGES_KEPT = HOUR

// images
export const IMAGE_RESOLVE_EVERY = 60 * SECOND

// upkeep
export const UPKEEP_EVERY = 5 * MINUTE
export const WALLET_RETAINED = 30 * DAY
export const SHUTDOWN = 30 * SECOND
/** What a runner's call still gets on shutdown, before the instance is given to others. */
export const RUNNER_DRAIN = 25 * SECOND
