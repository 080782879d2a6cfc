import { fileURLToPath } from 'node:url'
import { connectDatabase, createLogger, type Database, type Meta, readMeta } from '@convos/kit'
import { type Check, type Doctor, lookAtClock, lookAtDatabase, ok, type Seen, warning } from '@convos/kit/doctor'
import { type Config, readConfig } from '../config.ts'
import { fingerprintOf } from '../naming.ts'
import { HINTS } from './hints.ts'
import { LIVE_MS, lookAlive } from './live.ts'
import { inDatabase, lookAtBudgets, lookAtImage, lookAtPublicUrl, lookAtVault } from './own.ts'
import { lookAtAgentMail, lookAtBankr, lookAtOpenRouter, lookAtTelnyx } from './providers.ts'
import { lookAtRailway } from './railway.ts'

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url))

export const servicesDoctor: Doctor<Config> = {
  service: 'services',
  about:
    'Looks at the variables, the database, the encryption keys, every provider, the image, the budgets and the public address.',
  readConfig,
  hints: HINTS,
  live: `also makes a project at Railway and deletes it again, which shows what no simulator can; takes minutes`,
  checks(config, { timeoutMs, live }) {
    const log = createLogger('services', 'silent')
    const db = connectDatabase({ url: config.db.directUrl, log, max: 2 })
    return { checks: [...checksOf(config, db, timeoutMs), ...(live ? [livingCheck(config, db)] : [])], close: () => db.end() }
  },
}

function checksOf(config: Config, db: Database, timeoutMs: number): Check[] {
  const { environment, db: database, railway, openrouter, agentmail, telnyx, bankr, publicUrl } = config
  const check = (about: string, look: Check['look']): Check => ({ about, look })
  return [
    check('config', () => Promise.resolve(config.warnings.map((said) => warning('VARIABLE', said, 'see services/.env.example')))),
    check('database', () => lookAtDatabase({ service: 'services', environment, folder: FOLDER, ...database }, timeoutMs)),
    check('encryption', () => inDatabase(() => lookAtVault(db, config.encryptionKeys))),
    check('railway', () => lookAtRailway(railway)),
    check('openrouter', () => (openrouter ? lookAtOpenRouter(openrouter) : off('agents share a model key'))),
    check('agentmail', () => (agentmail ? lookAtAgentMail(agentmail) : off('agents get no mail'))),
    check('telnyx', () => (telnyx ? lookAtTelnyx(telnyx, publicUrl) : off('agents get no phone numbers'))),
    check('bankr', () => (bankr ? lookAtBankr(bankr) : off('agents get no wallets at Bankr'))),
    check('image', () => lookAtImage(db, config)),
    check('budget', () => inDatabase(() => lookAtBudgets(db, config))),
    check('public url', () => publicAddress(config, db, timeoutMs)),
    check('clock', () => lookAtClocks(config, timeoutMs)),
  ]
}

const off = (meaning: string): Promise<Seen[]> => Promise.resolve([ok('OFF', `not configured: ${meaning}`)])

function publicAddress({ publicUrl }: Config, db: Database, timeoutMs: number): Promise<Seen[]> {
  if (publicUrl !== null) return lookAtPublicUrl(publicUrl, async () => fingerprintOf(await readMeta(db)), timeoutMs)
  const todo = 'set SERVICES_PUBLIC_URL and PUBLIC_PORT'
  return Promise.resolve([warning('PUBLIC_URL_OFF', 'agents cannot provision tools for themselves, nor receive texts', todo)])
}

async function lookAtClocks(config: Config, timeoutMs: number): Promise<Seen[]> {
  const { railway, openrouter, agentmail, telnyx, bankr, ghcr } = config
  const urls = { railway, openrouter, agentmail, telnyx, bankr, registry: ghcr }
  const asked = Object.entries(urls).flatMap(([name, account]) => (account ? [lookAtClock(name, account.url, timeoutMs)] : []))
  const seen = await Promise.all(asked)
  const agree = seen.filter(({ level }) => level === 'ok')
  const rest = seen.filter(({ level }) => level !== 'ok')
  return agree.length === 0 ? rest : [ok('CLOCK', `this machine agrees with ${agree.length} providers`), ...rest]
}

const livingCheck = (config: Config, db: Database): Check => ({
  about: 'live',
  timeoutMs: LIVE_MS,
  look: async () => lookAlive({ config, db, meta: await metaOf(db, config) }),
})

/** @throws Error where nothing may be made in the name of this database */
async function metaOf(db: Database, { environment }: Config): Promise<Meta> {
  const meta = await readMeta(db)
  if (meta.environment !== environment) throw new Error('nothing is made with the database of another environment')
  return meta
}
