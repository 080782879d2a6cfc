/** `pnpm e2e:pictures`: the pictures of `docs/dashboard.md`, made anew. */
import { mkdir, writeFile } from 'node:fs/promises'
import type { BrowserContextOptions, Page } from '@playwright/test'
import pg from 'pg'
import { LOOKS } from '../browser/support/look.ts'
import { PAGES } from './pages.ts'
import { onStand, type Stand } from './stand.ts'

const FOLDER = new URL('../../../docs/pictures/', import.meta.url)
const MOST_KB = 120
const IDLE = 12

const desktop: BrowserContextOptions = { ...LOOKS['desktop'], colorScheme: 'light' }
const dark: BrowserContextOptions = { ...LOOKS['desktop'], colorScheme: 'dark' }
const phone: BrowserContextOptions = { ...LOOKS['phone'], colorScheme: 'light' }

const NAMES = ['Tokyo guide', 'Book club', 'Standup notes', 'Wine cellar', 'Chess partner', 'مساعد الرحلات', 'Night train']

/** Agents in use, and an hour that was lived through. */
async function furnish({ pool, sandbox }: Stand): Promise<{ instanceId: string }> {
  const db = new pg.Client({ connectionString: sandbox.databases.pool })
  await db.connect()
  await db.query('delete from stats_minutes')
  await db.query(
    `
    insert into stats_minutes (minute, target, ready, starting, claimed, crashed, stuck, deleting, queue_depth, claims_done, claims_failed,
      claims_cancelled, claims_empty, claims_hit, claim_p50_ms, claim_p95_ms, claim_p99_ms, created, became_ready, creation_failed, warm_up_ms)
    select date_trunc('minute', clock_now()) - n * interval '1 minute', $1, $1 - gone, gone, 20 + (60 - n) / 4, 0, 0, 0, 0,
      gone, 0, 0, 0, gone, 380 + 40 * sin(n), 900 + 90 * sin(n / 3.0), 1400 + 200 * sin(n / 4.0), gone, gone, 0, 24000 + 2000 * sin(n / 5.0)
    from generate_series(1, 59) as n
    cross join lateral (select greatest(0, round(2.5 * sin(n / 5.0) + 1.5 * sin(n / 1.7)))::int as gone) g`,
    [IDLE],
  )
  await db.end()
  let latest = { instanceId: '' }
  for (const name of NAMES) latest = await pool.claim(name)
  return latest
}

async function keep(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready)
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 82 })
  const picture = Buffer.from(data, 'base64')
  if (picture.length > MOST_KB * 1000) throw new Error(`${name} has ${Math.round(picture.length / 1000)} kB`)
  await writeFile(new URL(`${name}.webp`, FOLDER), picture)
  process.stdout.write(`${name}.webp  ${Math.round(picture.length / 1000)} kB\n`)
}

await onStand(IDLE, async (stand) => {
  const { instanceId } = await furnish(stand)
  await mkdir(FOLDER, { recursive: true })
  const picture = async (name: string, options: BrowserContextOptions, path: string, prepare: (page: Page) => Promise<void>) => {
    const page = await stand.open({ ...options, reducedMotion: 'reduce' })
    await page.goto(path)
    await prepare(page)
    await page.getByText('live', { exact: false }).first().waitFor()
    await keep(page, name)
    await page.context().close()
  }
  for (const { name, path, until } of PAGES) await picture(name, desktop, path, (page) => until(page).waitFor())
  for (const { name, path, until } of PAGES) await picture(`${name}-phone`, phone, path, (page) => until(page).waitFor())
  await picture('pool-dark', dark, '/pool', (page) => page.locator('.uplot').waitFor())
  await picture('instance', desktop, `/instances?open=${instanceId}`, (page) =>
    page.getByText('Became ready', { exact: true }).waitFor(),
  )
  await picture('claimed', phone, '/', async (page) => {
    await page.getByRole('textbox', { name: 'Agent name' }).fill('Tokyo guide')
    await page.getByRole('button', { name: /^Claim agent/ }).click()
    await page.getByRole('img', { name: /^QR code/ }).waitFor({ timeout: 60_000 })
    await page.evaluate(() => window.scrollTo(0, 0))
  })
  await picture('palette', desktop, '/instances', async (page) => {
    await page.locator('tbody tr[data-id]').first().waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Go to' }).fill('guide')
    await page.getByRole('option').first().waitFor()
  })
})
