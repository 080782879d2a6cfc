import { AsyncLocalStorage } from 'node:async_hooks'
import type { AccountContext, ChannelRuntime, OpenClawConfig, PluginRuntime } from 'openclaw/plugin-sdk/channel-core'

/** What a message is handed to while the account runs. */
export interface RunningAccount {
  cfg: OpenClawConfig
  channel: ChannelRuntime
  /** Runs in the account's own async context, not in that of the request that brought the message: once that is over, no agent starts in it. */
  run<T>(work: () => T): T
}

/** The channel's one account, between its start and its stop by the gateway. */
export class AccountHolder {
  readonly #prepare: () => Promise<void>
  #runtime: PluginRuntime | null = null
  #running: RunningAccount | null = null

  /** `prepare` is done before anything is handed to the account, and before the gateway is ready. */
  constructor(prepare: () => Promise<void>) {
    this.#prepare = prepare
  }

  get running(): RunningAccount | null {
    return this.#running
  }

  readonly setRuntime = (runtime: PluginRuntime): void => {
    this.#runtime = runtime
  }

  /** Lives as long as the account is meant to run. */
  readonly start = async ({ cfg, account, abortSignal, setStatus }: AccountContext): Promise<void> => {
    const runtime = this.#runtime
    if (!runtime) throw new Error('the gateway started the account before it gave the plugin its runtime')
    const { accountId } = account
    await this.#prepare()
    const running = { cfg, channel: runtime.channel, run: AsyncLocalStorage.snapshot() }
    this.#running = running
    setStatus({ accountId, running: true, connected: true, configured: true, enabled: true })
    await new Promise<void>((resolve) => {
      if (abortSignal.aborted) resolve()
      else abortSignal.addEventListener('abort', () => resolve(), { once: true })
    })
    if (this.#running === running) this.#running = null
    setStatus({ accountId, running: false, connected: false })
  }
}
