/** A pool that does nothing but look at its fleet, once per message: its time and its memory are the tick's own. */
import { connectDatabase, createLogger } from '@convos/kit'
import { createContext, createFleet, readConfig } from '@convos/pool/bench'
import type { Pass } from './messages.ts'

const log = createLogger('bench', 'warn')
const config = readConfig(process.env)
const db = connectDatabase({ url: config.database.url, log })
const fleet = createFleet(await createContext({ config, log, db }))

const tell = (ms: number) => process.send?.({ ms, rssBytes: process.memoryUsage.rss() } satisfies Pass)

process.on('message', () => {
  const began = performance.now()
  fleet.look({}).then(
    () => tell(performance.now() - began),
    (err: unknown) => {
      log.error({ err }, 'the pass failed')
      process.exit(1)
    },
  )
})
// a look at one instance has opened connections and loaded what is needed: what comes on top is the fleet's
await fleet.look({ ids: ['none'] })
tell(0)
