/** Deadlines, leases and limits of pool, in ms where they are times. One place, so that nothing waits longer than its caller. */
export const LIMITS = {
  /** From the first reservation until the caller is answered. */
  claimCreateMs: 30_000,
  claimJoinMs: 20_000,
  /** How much longer than its deadline a claim's lease runs. */
  claimLeaseExtraMs: 15_000,
  configureCreateMs: 25_000,
  configureJoinMs: 18_000,
  /** Every inner deadline ends this much before the outer one. */
  innerReserveMs: 2_000,
  /** A box is tried only with this much left; a join must configure within its first 5 s. */
  anotherBoxCreateMs: 5_000,
  anotherBoxJoinMs: 15_000,
  cancelMs: 8_000,
  /** Boxes a claim may taint before it fails. */
  maxTainted: 3,
  /** Claims that one statement pairs with instances at most. */
  matchBatch: 25,
  /** How often waiting claims are matched and looked at. */
  claimPollMs: 100,
  queueLeaseMs: 15_000,
  /** How much longer a claim is tried where an instance is ready but held by another statement. */
  queueGraceMs: 1_000,
  leaseRenewMs: 5_000,
  /** How long an owner has to sign a challenge, and how old the signed message may be. */
  challengeMs: 600_000,
  /** How far the clock of who signs may be ahead. */
  signedAheadMs: 60_000,

  tickLeaseMs: 45_000,
  tickDeadlineMs: 25_000,
  /** How often the lease is renewed and the ready instances are looked at. */
  readyPollMs: 10_000,
  statusBatch: 500,
  statusParallel: 4,
  /** Rows of the fleet in hand at a time: as many as are asked for at once. */
  fleetPage: 2_000,
  statusCallMs: 15_000,
  changesWaitMs: 25_000,
  changesExtraMs: 5_000,
  createCallMs: 5_000,
  destroyCallMs: 10_000,
  callsParallel: 4,
  gatewayCallMs: 5_000,
  imageCallMs: 5_000,
  reachableCallMs: 2_000,
  /** Services counts as reachable for this long after its last answer. */
  reachableForMs: 1_000,

  /** How old the probe may be that proves an instance ready. */
  freshMs: 30_000,
  failuresInARow: 3,
  readyFailingMs: 20_000,
  claimedFailingMs: 60_000,
  /** A probe this close to a change of status may have been answered before it. */
  probeSkewMs: 5_000,
  /** After its time ended, a pending instance that does not answer for this long is given up as crashed. */
  pendingSilentMs: 3_600_000,
  /** An unknown instance stays `deleting` until no creation of it can be under way. */
  removeAfterMs: 15_000,
  /** How old the word of a ready instance may be that nobody is on it, for it to be replaced: a row shows probes with a delay. */
  retireProvenMs: 90_000,
  autoDestroyPerHour: 5,
  autoDestroyShare: 0.2,

  /** The pause after a failed creation, doubling until the breaker of its image opens. */
  createBackoffMs: 30_000,
  /** Failures in a row that open an image's breaker, and for how long it stays open, doubling. */
  breakerAfter: 3,
  breakerMs: 300_000,
  breakerCapMs: 3_600_000,
  /** Pauses are longer by at most this share, at random. */
  jitterShare: 0.2,

  cacheMs: 1_000,
  cacheMinMs: 100,
  readyCacheMs: 2_000,
  sessionMs: 12 * 3_600_000,
  loginCodeMs: 600_000,
  loginsPerMinute: 10,
  /** Boxes that the claims of one named key may taint within an hour, before it has to wait. */
  taintedPerHour: 3,
  operationBatch: 10,
  /** How often the log is looked at while someone listens; sooner after a change of this replica's own. */
  feedPollMs: 500,
  feedSoonMs: 50,
  /** Events told at once. */
  feedBatch: 200,
  feedHeartbeatMs: 20_000,
  feedStreamMs: 14 * 60_000,
  /** After an end of ours a client comes back within about this. */
  feedRetryMs: 1_000,
  /** Who has not read so many bytes is cut off, and resumes. */
  feedBufferBytes: 1_048_576,
  activityPage: 100,
  activityBatch: 500,
  /** For longer than the longest call of an operation's item; whose worker died is taken over then. */
  itemLeaseMs: 120_000,
  itemsAtOnce: 8,
  itemRetryMs: 5_000,
  /** How often a redeploy is looked at. */
  followEveryMs: 2_000,
  redeployCallMs: 10_000,
  reconfigureCallMs: 15_000,
  reconcileCallMs: 60_000,
  /** Services waits 10 s for its turn with a provider, and 15 s for the answer. */
  providerCallMs: 30_000,
  debugEveryMs: 5_000,
  pageRows: 200,
  statusRows: 1_000,
  shutdownMs: 35_000,

  /** A claim that got its instance within this was served without waiting. */
  hitWithinMs: 1_000,
  statsEveryMs: 20_000,
  /** How far back minutes are counted again, and how far back those are that nobody counted. */
  statsRecountMs: 300_000,
  statsFillMs: 7 * 86_400_000,
  gaugesKeptMs: 5_000,
  providersKeptMs: 5_000,

  alertEveryMs: 15_000,
  /** How long an alert must hold before it fires: until the second look; an empty pool may be about to be filled. */
  alertHoldMs: 10_000,
  poolEmptyMs: 60_000,
  /** What was not looked at for this long has not held. */
  alertGapMs: 60_000,
  tickLateIntervals: 3,
  deletionStuckMs: 3_600_000,
  servicesSilentMs: 120_000,
  creditLowUsd: 20,
  webhookMs: 10_000,
  /** One replica has a notice in hand for longer than its call may take, and for less than until the next look. */
  noticeLeaseMs: 14_000,

  retentionEveryMs: 3_600_000,
  retentionBatch: 5_000,
  retentionBatches: 20,
} as const

export type Limits = { readonly [name in keyof typeof LIMITS]: number }
