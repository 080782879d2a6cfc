/** The agent ran, and what it has to say is that it failed; or it cannot run as it is told to. */
export class AgentFailed extends Error {
  override name = 'AgentFailed'
  /** What the model's provider answered, where that is known. */
  readonly status: number | null
  constructor(reason: string, status: number | null = null) {
    super(reason)
    this.status = status
  }
}
