import { isDeepStrictEqual } from 'node:util'
import { backoffMs, type Clock, type Logger } from '@convos/kit/server'
import type { TurnRequest } from '../../link/turn.ts'
import type { Limits } from '../../limits.ts'
import { apology } from '../apology.ts'
import type { Engine, Turn } from '../engine.ts'
import { askGateway, TurnFailed } from './ask.ts'
import { readAtStart } from './environment.ts'
import { gatewayProxy } from './proxy.ts'
import { gatewayFolders, isUnused, wipe } from './state.ts'
import { Supervisor } from './supervisor.ts'

export interface OpenClawOptions {
  /** `scripts/gateway.sh`: sets up what is missing and becomes the gateway. */
  script: string
  /** The state root: the gateway's folders lie in it. */
  root: string
  /** Of the gateway, but for what is added here. */
  env: Readonly<Record<string, string>>
  overlay: { file: string; vars: () => Readonly<Record<string, string>> }
  link: { token: string }
  clock: Clock
  log: Logger
  limits: Limits
}

/** The large engine: the OpenClaw gateway, a process of its own that may come and go. */
export function openClawEngine(p: OpenClawOptions): Engine {
  const { overlay, link, clock, log, limits } = p
  const folders = gatewayFolders(p.root)
  /** Between the first turn and the files it leaves. */
  let used = false
  let linkUrl = ''
  const supervisor = new Supervisor({
    script: p.script,
    env: () => ({
      ...p.env,
      ...readAtStart(overlay.vars()),
      AGENT_LINK_URL: linkUrl,
      AGENT_LINK_TOKEN: link.token,
      AGENT_ENV_FILE: overlay.file,
    }),
    mark: `AGENT_ENV_FILE=${overlay.file}`,
    clock,
    log,
    limits,
  })
  const proxy = gatewayProxy({ port: () => supervisor.port, log, limits })

  /** What the gateway reads only at its start may have been laid over since. */
  const refresh = async () => {
    const { env } = supervisor
    if (!env) return
    const now = readAtStart({ ...p.env, ...overlay.vars() })
    if (!isDeepStrictEqual(now, readAtStart(env))) await supervisor.restart('the model settings were changed')
  }

  return {
    ready: () => supervisor.ready,
    healthy: () => supervisor.healthy,
    fault: () => supervisor.fault,
    clean: () => !used && isUnused(folders),
    start(ownUrl) {
      linkUrl = ownUrl
      supervisor.start()
    },
    async respond(turn, signal) {
      used = true
      for (let attempt = 1; ; attempt++) {
        try {
          await refresh()
          const port = await supervisor.whenReady(signal)
          return await askGateway({ port, token: link.token, turn: requestOf(turn), timeoutMs: limits.turnMs }, signal)
        } catch (err) {
          signal.throwIfAborted()
          const reason = err instanceof Error ? err.message : err
          log.warn({ reason, messageId: turn.message.id, attempt }, 'the gateway gave no answer')
          if (err instanceof TurnFailed) return apology(err.status)
          if (attempt >= limits.turnAttempts) return apology(null)
          await clock.sleep(backoffMs(attempt, limits.gatewayRestartMinMs, limits.gatewayRestartMaxMs), signal)
        }
      }
    },
    gateway: proxy.request,
    upgrade: proxy.upgrade,
    async reset() {
      await supervisor.stop()
      wipe(folders)
      used = false
      supervisor.start()
    },
    stop: () => supervisor.stop(),
  }
}

const requestOf = ({ history, ...turn }: Turn): TurnRequest => ({ ...turn, history: [...history] })
