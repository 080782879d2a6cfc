import { fileURLToPath } from 'node:url'
import { connectDatabase, createLogger, type Database } from '@convos/kit'
import { type Check, type Doctor, lookAtClock, lookAtDatabase, type Seen, unverified, warning } from '@convos/kit/doctor'
import { type Config, readConfig } from '../config.ts'
import { readFingerprint } from '../db/fingerprint.ts'
import { HINTS } from './hints.ts'
import { lookAtPublicUrl, lookAtServices } from './services.ts'
import { lookAtSupply } from './supply.ts'

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

export const poolDoctor: Doctor<Config> = {
  service: 'pool',
  about: 'Looks at the variables, the database, services as pool reaches it, the images, the settings and the public address.',
  readConfig,
  hints: HINTS,
  live: null,
  checks(config, { timeoutMs }) {
    const log = createLogger('pool', 'silent')
    const db = connectDatabase({ url: config.database.directUrl, log, max: 2 })
    return { checks: checksOf(config, db, timeoutMs), close: () => db.end() }
  },
}

function checksOf(config: Config, db: Database, timeoutMs: number): Check[] {
  const { environment, database } = config
  const check = (about: string, look: Check['look']): Check => ({ about, look })
  return [
    check('config', () => Promise.resolve(judgeConfig(config))),
    check('database', () => lookAtDatabase({ service: 'pool', environment, folder: FOLDER, ...database }, timeoutMs)),
    check('services', () => lookAtServices(config, timeoutMs)),
    check('supply', () => inDatabase(() => lookAtSupply(db, new Date()))),
    check('public url', () => lookAtPublicUrl(config.publicUrl, () => readFingerprint(db).catch(() => null), timeoutMs)),
    check('clock', async () => [await lookAtClock('services', config.services.url, timeoutMs)]),
  ]
}

/** Where it cannot be read, its own check says why. */
const inDatabase = (look: () => Promise<Seen[]>): Promise<Seen[]> =>
  look().catch(() => [unverified('DATABASE', 'the database cannot be read', 'see what is said of it')])

/** What is allowed, and may still not be meant. */
export function judgeConfig({ environment, alertWebhookUrl, metricsToken, inviteOrigins, publicUrl }: Config): Seen[] {
  const found: Seen[] = []
  if (alertWebhookUrl === null && environment !== 'dev')
    found.push(warning('NO_ALERTS', 'nobody is told when something goes wrong', 'set ALERT_WEBHOOK_URL'))
  if (metricsToken === undefined && environment !== 'dev')
    found.push(warning('NO_METRICS', 'there is no /metrics', 'set METRICS_TOKEN'))
  if (environment !== 'dev' && !publicUrl.startsWith('https:'))
    found.push(
      warning(
        'PUBLIC_URL_PLAIN',
        'POOL_PUBLIC_URL is not https: keys and cookies travel in the open',
        'set it to the https address',
      ),
    )
  if (environment === 'production' && inviteOrigins.some((origin) => origin.includes('dev.convos.org')))
    found.push(warning('DEV_INVITES', 'invites of the dev network are taken in production', 'set CONVOS_INVITE_ORIGINS'))
  return found
}
