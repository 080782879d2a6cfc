import { type Browser, type BrowserContextOptions, chromium, type Page } from '@playwright/test'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'
import { chromiumPath } from '../browser/support/chromium.ts'
import { type PoolClient, poolClient } from '../browser/support/pool.ts'

const TEMPLATES = [
  { agentName: 'Trip planner', instructions: 'Plan trips day by day. Ask what they like, and take trains before planes.' },
  { agentName: 'Reading circle', instructions: 'Keep the group at its book: a question a day, and no word of how it ends.' },
  { agentName: 'Meeting notes', instructions: 'Note what was decided and who does what by when. Send it round by mail.' },
]

/** A sandbox with simulated instances and some templates, and a browser in which an operator has logged in. */
export interface Stand {
  sandbox: RunningSandbox
  pool: PoolClient
  /** A page in a window of its own, with nothing in its cache. */
  open: (options: BrowserContextOptions) => Promise<Page>
}

/** Sets it up, and takes it down whatever happens. */
export async function onStand(idle: number, work: (stand: Stand) => Promise<void>): Promise<void> {
  const sandbox = await startSandbox({ idle, instances: 'virtual' })
  let browser: Browser | undefined
  try {
    const started = await chromium.launch({
      executablePath: await chromiumPath(),
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update'],
    })
    browser = started
    const login = await started.newContext({ baseURL: sandbox.poolUrl })
    await login.request.post('/api/session', { data: { key: sandbox.poolApiKey } })
    const storageState = await login.storageState()
    await login.close()
    const open = async (options: BrowserContextOptions) =>
      (await started.newContext({ ...options, storageState, baseURL: sandbox.poolUrl })).newPage()
    const pool = poolClient(sandbox)
    for (const template of TEMPLATES) await pool.template({ ...template, tools: [{ id: 'email', provisioning: 'pool' }] })
    await work({ sandbox, pool, open })
  } finally {
    await browser?.close()
    await sandbox.interrupt()
    await sandbox.forget()
  }
}
