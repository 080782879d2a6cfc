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
  modelMs: 60_000,
  modelRetryMaxMs: 5_000,
} as const

export type Limits = { [K in keyof typeof limits]: number }
