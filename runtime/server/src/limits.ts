/** Deadlines and bounds of the agent server, in one place. */
export const limits = {
  /** How long a provision waits for its outcome before it answers without one. */
  createDeadlineMs: 20_000,
  joinDeadlineMs: 15_000,
  /** One invocation of the `convos` command; it starts a runtime and talks to the network. */
  commandMs: 30_000,
  /** The look that a cancel needs must fit into its caller's deadline. */
  cancelLookMs: 8_000,
  /** How often a pending join looks whether it was let in: soon at first, then patiently. */
  joinLookMinMs: 500,
  joinLookMaxMs: 10_000,
  joinAskAgainMs: 60_000,
  driverReadyMs: 60_000,
  driverRestartMinMs: 250,
  driverRestartMaxMs: 15_000,
  /** A bound agent whose driver is away for longer is not ready. */
  driverAwayBudgetMs: 60_000,
  /** How often a driver has to give a sign of life (whole seconds), and how long it may be silent. */
  driverHeartbeatMs: 15_000,
  driverSilentMs: 60_000,
  /** How often it is looked up whether everything that was said was told. */
  missedLookMs: 300_000,
  sendAckMs: 15_000,
  sendAttempts: 5,
  /** An action of the engine, and of who holds the gateway token, is carried out within this or fails. */
  actionMs: 20_000,
  /** Typing indicators fade: while an answer is made they are shown again this often. */
  typingRepeatMs: 8_000,
  /** What was heard within this is receipted at once. */
  readReceiptMs: 1_000,
  /** SIGTERM: the message in hand may still be finished within this. */
  drainMs: 10_000,
  childStopMs: 2_000,
  /** How often the gateway is asked whether it is ready, and for how long an answer counts as now. */
  gatewayProbeMs: 1_000,
  gatewayBootProbeMs: 250,
  gatewayProbeTimeoutMs: 3_000,
  gatewayFreshMs: 5_000,
  /** A gateway that is not ready after so long is started anew: at first, and once it was ready. */
  gatewayBootMs: 180_000,
  gatewayHangMs: 45_000,
  /** A bound agent whose gateway is away for longer is not ready. */
  gatewayAwayBudgetMs: 60_000,
  gatewayRestartMinMs: 500,
  gatewayRestartMaxMs: 15_000,
  /** One that ran for so long has not failed to start. */
  gatewaySettledMs: 30_000,
  /** After so many failures in a row it is tried only now and then. */
  gatewayGiveUpAfter: 5,
  gatewayRetryMs: 120_000,
  gatewayStopMs: 5_000,
  /** One message, tools and all; the gateway's own limit is a little lower. */
  turnMs: 285_000,
  turnAttempts: 5,
  /** Between two bytes of a proxied answer. */
  proxyIdleMs: 120_000,
  proxyUpgradeMs: 15_000,
  modelMs: 60_000,
  modelRetryMaxMs: 5_000,
} as const

export type Limits = { [K in keyof typeof limits]: number }
