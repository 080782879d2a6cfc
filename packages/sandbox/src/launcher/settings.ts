import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { freePort, isFree } from '../ports.ts'

/** What a sandbox keeps from run to run: links, keys and bookmarks of yesterday still work today. */
const Settings = z.object({
  ports: z.object({ pool: z.number(), services: z.number(), public: z.number(), simulators: z.number(), postgres: z.number() }),
  poolApiKey: z.string(),
  poolSecret: z.string(),
  servicesApiKey: z.string(),
  metricsToken: z.string(),
  encryptionKeys: z.string(),
  agentmailApiKey: z.string(),
  telnyxApiKey: z.string(),
  bankrApiKey: z.string(),
})
export type Settings = z.infer<typeof Settings>
/** As an earlier version may have stored them, without what came later. */
const StoredSettings = Settings.extend({ ports: Settings.shape.ports.partial() }).partial()
type StoredSettings = z.infer<typeof StoredSettings>

const secret = () => randomBytes(24).toString('hex')

/** Reads the stored settings and draws what is missing; `port` overrides and becomes the pool's port from now on (0: new settings take any free ports). */
export async function loadSettings(dataDir: string, port: number | undefined): Promise<Settings> {
  const file = join(dataDir, 'settings.json')
  const stored = existsSync(file) ? StoredSettings.parse(JSON.parse(readFileSync(file, 'utf8'))) : {}
  const settings = await completed(stored, port === 0)
  if (port) settings.ports.pool = port
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(settings, null, 2), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return settings
}

async function completed({ ports = {}, ...known }: StoredSettings, anyPorts: boolean): Promise<Settings> {
  const taken = new Set(Object.values(ports))
  const portNear = async (wanted: number) =>
    !anyPorts && !taken.has(wanted) && (await isFree(wanted)) ? wanted : await freePort()
  return Settings.parse({
    poolApiKey: `pool_${secret()}`,
    poolSecret: secret(),
    servicesApiKey: `services_${secret()}`,
    metricsToken: `metrics_${secret()}`,
    encryptionKeys: `sandbox:${randomBytes(32).toString('base64')}`,
    agentmailApiKey: `agentmail_${secret()}`,
    telnyxApiKey: `telnyx_${secret()}`,
    bankrApiKey: `bankr_${secret()}`,
    ...known,
    ports: {
      pool: ports.pool ?? (await portNear(3001)),
      services: ports.services ?? (await portNear(3002)),
      public: ports.public ?? (await portNear(3003)),
      simulators: ports.simulators ?? (await portNear(3010)),
      postgres: ports.postgres ?? (await portNear(54329)),
    },
  })
}
