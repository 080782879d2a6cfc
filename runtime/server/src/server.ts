import { createLogger, listen, runProcess, systemClock } from '@convos/kit/server'
import { createAgent } from './agent.ts'
import { front, frontUpgrade } from './app.ts'
import { readConfig, withHandedOver } from './config.ts'
import { limits } from './limits.ts'

/** The whole life of the process: state, then listening, then whatever the last process left over. */
export const runAgentServer = (env: NodeJS.ProcessEnv): Promise<void> =>
  runProcess(createLogger('agent-server'), async () => {
    const config = readConfig(withHandedOver(env))
    const log = createLogger('agent-server', config.logLevel)
    const agent = createAgent(config, { clock: systemClock, log, limits })
    const listening = await listen(front(agent, config, log), config.port)
    listening.server.on('upgrade', frontUpgrade(agent))
    log.info({ instanceId: config.instanceId, port: listening.port, engine: config.engine }, 'listening')
    if (config.model.apiKey === null) log.warn('OPENROUTER_API_KEY is missing: the agent cannot think until it has one')
    agent.resume(`http://127.0.0.1:${listening.port}`)
    return {
      async stop() {
        await Promise.all([listening.close(limits.drainMs), agent.stop()])
      },
    }
  })
