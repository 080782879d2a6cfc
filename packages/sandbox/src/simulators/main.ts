import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startSimulators } from './server.ts'

const HELP = `node packages/sandbox/src/simulators/main.ts: every provider simulator, without the rest of the sandbox

  --port PORT       default: 3010
  --hostname NAME   by which other machines reach this one; default: only this one does
  --data FOLDER     where everything survives a restart; default: nothing does`

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '3010' },
    hostname: { type: 'string' },
    data: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(HELP)
else {
  const { hostname, data } = values
  if (data !== undefined) mkdirSync(data, { recursive: true })
  const simulators = await startSimulators({
    port: Number(values.port),
    hostname,
    // Railway's window between two new projects, shortened: nobody wants to wait half a minute for each agent
    railway: { host: 'process', projectIntervalMs: 1000 },
    ...(data !== undefined && { stateFile: join(data, 'simulators.json') }),
  })
  console.log(`the providers are simulated at ${simulators.url}`)
  const stopping = new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve)
  })
  await stopping
  await simulators.close()
  process.exit()
}
