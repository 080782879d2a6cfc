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
/** Besides, for those somebody waits for: a creation's slow call must not hold up a claim. */
export const RUNNER_URGENT = 16
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

// tools
/** What a provision or a destruction is waited for; then it finishes by itself. */
export const TOOL_WAIT = 9 * SECOND
export const TOOL_POLL_EVERY = 100
export const USAGE_EVERY = 5 * MINUTE
export const SELF_PROVISION = { max: 3, perMs: 30 * DAY }
/** What may wait is done so long after a claim. */
export const AFTER_CLAIM = 500

// images
export const IMAGE_RESOLVE_EVERY = 60 * SECOND

// upkeep
export const UPKEEP_EVERY = 5 * MINUTE
export const WALLET_RETAINED = 30 * DAY
export const SHUTDOWN = 30 * SECOND
/** What a runner's call still gets on shutdown, before the instance is given to others. */
export const RUNNER_DRAIN = 25 * SECOND

// public listener
export const PUBLIC_MAX_BYTES = 64 * 1024
/** Requests per minute: of one instance, and from one address, which many instances may share. */
export const PUBLIC_PER_INSTANCE = 120
export const PUBLIC_PER_ADDRESS = 1200
/** What was signed longer ago, or is from the future, is a replay. */
export const WEBHOOK_WINDOW = 300 * SECOND
export const SMS_KEPT = 7 * DAY
export const EVENTS_KEPT = 90 * DAY
export const PRUNE_BATCH = 1000

// reconcile
/** What no ledger knows is left alone for so long: it may be about to be written down. */
export const STRAY_AGE = 15 * MINUTE
/** It must have been seen before, so long ago at least. */
export const STRAY_SIGHTINGS_APART = MINUTE
/** Strays destroyed within `perMs`: so many, or this share of the live instances, whichever is more. */
export const STRAY_CAP = { least: 5, share: 0.2, perMs: HOUR }
/** Ledger rows that a listing lacks are looked at one by one; so many per pass. */
export const GHOST_LOOKS = 20
/** Nothing new is begun in a pass after that. */
export const RECONCILE = 60 * SECOND
/** A pass that was begun in time may still be in its last call. */
export const RECONCILE_LEASE = RECONCILE + 2 * RAILWAY_MUTATION
/** One instance is asked about no more often. */
export const DEBUG_EVERY = 5 * SECOND

// tool plugins
/** How soon to look again after what a provider is still at. */
export const INBOX_DELETING = 2 * SECOND
export const NUMBER_ORDERED = 500
export const NUMBER_ORDER_PENDING = SECOND
export const NUMBER_UNLISTED = 800
/** A number that was bought longer ago and is not listed was given back. */
export const NUMBER_LISTED_WITHIN = 60 * SECOND

// budgets
export const BUDGET_WINDOW = HOUR
/** So often replicas tell each other what they asked for. */
export const BUDGET_FLUSH_EVERY = 5 * SECOND
/** Of an hourly budget: what can wait stops here, so that creations and removals keep the rest. */
export const BUDGET_AT_LEISURE = 0.8
/** A request waits so long for its turn. */
export const GATE_PATIENCE = 10 * SECOND
/** Whatever a provider's 429 says, it is asked again after this. */
export const BLOCK_MAX = HOUR
/** Of one whose end was not seen: it waited for its turn, and then for its answer. */
export const CALL_LONGEST = GATE_PATIENCE + RAILWAY_MUTATION
