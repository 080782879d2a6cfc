import { randomBytes } from 'node:crypto'
import type { Clock, Logger } from '@convos/kit/server'
import packageJson from '../package.json' with { type: 'json' }
import { Actions } from './actions.ts'
import { Binder } from './binding/binder.ts'
import { conversationOf, reported } from './binding/record.ts'
import { type Config, overlaidModel } from './config.ts'
import type { Health } from './contract.ts'
import { Conversation } from './conversation/conversation.ts'
import { convosCli } from './convos/cli.ts'
import { Driver } from './convos/driver.ts'
import type { Engine } from './engine/engine.ts'
import { liteEngine } from './engine/lite.ts'
import { openClawEngine } from './engine/openclaw/index.ts'
import type { Limits } from './limits.ts'
import { isUntouched, stateFolder } from './state/folder.ts'
import { Overlay } from './state/overlay.ts'

/** Everything on this box, put together: what the routes act on. */
export interface Agent {
  binder: Binder
  overlay: Overlay
  engine: Engine
  actions: Actions
  /** Opens `/link/*`: known to this process and the engine behind it, another one at each start. */
  linkToken: string
  health(): Health
  /** Whether messages arrive at this moment. */
  streaming(): boolean
  reset(): Promise<void>
  /** Begins, or goes on where the last process stopped; `ownUrl` is where this one listens on loopback. */
  resume(ownUrl: string): void
  stop(): Promise<void>
}

/** Reads the state and connects the parts; starts nothing. */
export function createAgent(config: Config, p: { clock: Clock; log: Logger; limits: Limits }): Agent {
  const { clock, log, limits } = p
  const state = stateFolder(config.stateDir)
  const overlay = new Overlay(state.overlay)
  // it leaves the picture of an invite where files are for a while: here they go with the claim
  const cli = convosCli({
    bin: config.convosBin,
    home: state.convosHome,
    env: { ...config.childEnv, TMPDIR: state.root },
    limits,
  })

  const driver = new Driver({
    cli,
    clock,
    log,
    limits,
    listener: {
      ready: (event) => {
        binder.attached(event)
        conversation.enter(event.conversationId)
        // in a conversation of others somebody is there already; in its own nobody could read it before the first one comes
        if (binder.record?.mode === 'join') conversation.greet()
      },
      message: (message) => conversation.hear(message),
      memberJoined: () => conversation.greet(),
      profile: (member) => conversation.meet(member),
      exploding: (expiresAt) => binder.ends(expiresAt === null ? null : new Date(expiresAt)),
    },
  })
  const binder = new Binder({ state, overlay, cli, driver, clock, log, limits })
  const persona = () => {
    const { agentName = '', instructions = '', model = null } = binder.record ?? {}
    return { agentName, instructions, model }
  }
  const describe = () => ({
    instanceId: config.instanceId,
    agentName: binder.record?.agentName ?? null,
    binding: reported(binder.record),
  })
  const settings = () => overlaidModel(config.model, overlay.vars)
  const linkToken = randomBytes(32).toString('base64url')
  const engine =
    config.engine === 'lite'
      ? liteEngine({ settings, gatewayToken: config.gatewayToken, describe, clock, log, limits })
      : openClawEngine({
          script: config.gatewayScript,
          root: config.stateRoot,
          env: config.gatewayEnv,
          overlay: { file: state.overlay, vars: () => overlay.vars },
          link: { token: linkToken },
          clock,
          log,
          limits,
        })
  const conversation = new Conversation({ file: state.journal, engine, driver, persona, clock, log, limits })

  const actions = new Actions({ binder, driver, conversation, stateRoot: state.root, limits })

  return {
    binder,
    overlay,
    engine,
    actions,
    linkToken,
    health: () => {
      const { record } = binder
      const place = conversationOf(record)
      return {
        // a warm box must answer now; once it is somebody's, messages wait while a part of it comes back
        ready: (record ? engine.healthy() : engine.ready()) && (record?.state !== 'active' || driver.healthy),
        clean: record === null && engine.clean() && isUntouched(state),
        version: packageJson.version,
        binding: reported(record),
        conversationId: place?.id ?? null,
        inviteUrl: place?.inviteUrl ?? null,
        claimId: record?.claimId ?? null,
        lastActivityAt: conversation.lastActivityAt,
        fault: engine.fault(),
      }
    },
    streaming: () => driver.attached,
    reset: () =>
      binder.reset(async () => {
        await Promise.all([conversation.wipe(), engine.reset()])
      }),
    resume(ownUrl) {
      engine.start(ownUrl)
      binder.resume()
    },
    async stop() {
      // the message in hand still needs engine and driver; without a driver it waits in the journal anyway
      await conversation.close(driver.attached ? limits.drainMs : 0)
      await binder.stop()
      await engine.stop()
    },
  }
}
