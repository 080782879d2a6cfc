import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { freePort, isFree } from '../ports.ts'

/** What a sandbox keeps from run to run: links, keys and bookmarks of yesterday still work today. */
const Settings = z.object({
  ports: z.object({ pool: z.number(), services: z.number(), simulators: z.number(), postgres: z.number() }),
  poolApiKey: z.string(),
  poolSecret: z.string(),
  servicesApiKey: z.string(),
  metricsToken: z.string(),
  encryptionKeys: z.string(),
})
export type Settings = z.infer<typeof Settings>

const secret = () => randomBytes(24).toString('hex')

/** Reads the stored settings or draws new ones; `port` overrides and becomes the pool's port from now on (0: new settings take any free ports). */
export async function loadSettings(dataDir: string, port: number | undefined): Promise<Settings> {
  const file = join(dataDir, 'settings.json')
  const settings = existsSync(file) ? Settings.parse(JSON.parse(readFileSync(file, 'utf8'))) : await drawSettings(port === 0)
  if (port) settings.ports.pool = port
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(settings, null, 2), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return settings
}

async function drawSettings(anyPorts: boolean): Promise<Settings> {
  const portNear = async (wanted: number) => (!anyPorts && (await isFree(wanted)) ? wanted : await freePort())
  return {
    ports: {
      pool: await portNear(3001),
      services: await portNear(3002),
      simulators: await portNear(3010),
      postgres: await portNear(54329),
    },
    poolApiKey: `pool_${secret()}`,
    poolSecret: secret(),
    servicesApiKey: `services_${secret()}`,
    metricsToken: `metrics_${secret()}`,
    encryptionKeys: `sandbox:${randomBytes(32).toString('base64')}`,
  }
}
