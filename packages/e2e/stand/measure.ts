/** `pnpm dashboard:measure`: what each page costs whoever looks at it. Prints a table, and writes `.artifacts/measure.json`. */
import { mkdir, writeFile } from 'node:fs/promises'
import type { Instance } from '@convos/pool/contract'
import type { BrowserContextOptions, Page } from '@playwright/test'
import { LOOKS } from '../browser/support/look.ts'
import { inWords, pretend, readAll, type Scrolled, scrollThrough } from '../browser/support/many.ts'
import { PAGES, type PageToSee } from './pages.ts'
import { onStand, type Stand } from './stand.ts'

const ARTIFACTS = new URL('../../../.artifacts/', import.meta.url)
const MANY = 5_000
/** Nothing more is expected to happen after this, ms. */
const CALM_MS = 2_500

interface Device {
  options: BrowserContextOptions
  /** How much slower than this machine. */
  cpu: number
  /** Null: as it is. */
  network: { latencyMs: number; kbps: number } | null
}

/** The phone is a middling one on a slow mobile network, as Lighthouse has it. */
const DEVICES: Record<string, Device> = {
  phone: { options: LOOKS['phone'] ?? {}, cpu: 4, network: { latencyMs: 150, kbps: 1_638 } },
  desktop: { options: LOOKS['desktop'] ?? {}, cpu: 1, network: null },
}

const FIGURES = ['lcp', 'tbt', 'cls', 'kB'] as const
type Figures = Record<(typeof FIGURES)[number], number>
const BUDGET: Figures = { lcp: 2_500, tbt: 200, cls: 0.1, kB: 300 }
const UNIT: Record<keyof Figures, string> = { lcp: 'LCP ms', tbt: 'TBT ms', cls: 'CLS', kB: 'transferred kB' }

interface Row extends Figures {
  page: string
  device: string
}

/** Runs in the page before anything of it does. */
function observe(): void {
  const seen = { lcp: 0, tbt: 0, cls: 0 }
  Object.assign(window, { seen })
  const on = (type: string, note: (entry: PerformanceEntry) => void) =>
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true })
  on('largest-contentful-paint', (entry) => (seen.lcp = entry.startTime))
  on('longtask', ({ duration }) => (seen.tbt += Math.max(0, duration - 50)))
  on('layout-shift', (entry) => {
    const { value, hadRecentInput } = entry as PerformanceEntry & { value: number; hadRecentInput: boolean }
    if (!hadRecentInput) seen.cls += value
  })
}

async function look(page: Page, { path, until }: PageToSee, { cpu, network }: Device): Promise<Figures> {
  const session = await page.context().newCDPSession(page)
  let bytes = 0
  await session.send('Network.enable')
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength))
  await session.send('Emulation.setCPUThrottlingRate', { rate: cpu })
  if (network) {
    const bytesPerSecond = (network.kbps * 1000) / 8
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: network.latencyMs,
      downloadThroughput: bytesPerSecond,
      uploadThroughput: bytesPerSecond,
    })
  }
  await page.addInitScript(observe)
  await page.goto(path)
  await until(page).waitFor({ timeout: 60_000 })
  await page.waitForTimeout(CALM_MS)
  const seen = await page.evaluate(() => (window as unknown as { seen: Omit<Figures, 'kB'> }).seen)
  return {
    lcp: Math.round(seen.lcp),
    tbt: Math.round(seen.tbt),
    cls: Math.round(seen.cls * 1000) / 1000,
    kB: Math.round(bytes / 1000),
  }
}

async function measure({ open, pool }: Stand): Promise<{ rows: Row[]; scrolled: Record<string, Scrolled> }> {
  const [one] = await pool.ready()
  if (!one) throw new Error('nothing is ready')
  const rows: Row[] = []
  const scrolled: Record<string, Scrolled> = {}
  for (const [name, device] of Object.entries(DEVICES)) {
    for (const page of PAGES) rows.push({ page: page.name, device: name, ...(await inWindow(open, device, page)) })
    rows.push({ page: 'pool of 5 000', device: name, ...(await inWindow(open, device, crowded('pool'), one)) })
    const fleet = await open(device.options)
    await pretend(fleet, one, MANY)
    rows.push({ page: 'fleet of 5 000', device: name, ...(await look(fleet, crowded('fleet'), device)) })
    await readAll(fleet, MANY)
    scrolled[name] = await scrollThrough(fleet)
    await fleet.context().close()
  }
  return { rows, scrolled }
}

/** A page with so many instances that it takes longer to show. */
function crowded(name: string): PageToSee {
  const page = PAGES.find((one) => one.name === name)
  if (!page) throw new Error(`there is no page ${name}`)
  const rack = `${MANY.toLocaleString('en-US')} instances`
  return name === 'pool' ? { ...page, until: (seen) => seen.getByRole('listbox', { name: rack }) } : page
}

async function inWindow(open: Stand['open'], device: Device, page: PageToSee, one?: Instance): Promise<Figures> {
  const seen = await open(device.options)
  if (one) await pretend(seen, one, MANY)
  const figures = await look(seen, page, device)
  await seen.context().close()
  return figures
}

/** What is over its budget has a mark. */
function tableOf(rows: readonly Row[]): string {
  const lines = [
    ['page', 'device', ...FIGURES.map((figure) => `${UNIT[figure]} (≤ ${BUDGET[figure]})`)],
    ...rows.map((row) => [
      row.page,
      row.device,
      ...FIGURES.map((figure) => `${row[figure]}${row[figure] > BUDGET[figure] ? ' !' : ''}`),
    ]),
  ]
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}

await onStand(8, async (stand) => {
  const { rows, scrolled } = await measure(stand)
  await mkdir(ARTIFACTS, { recursive: true })
  await writeFile(
    new URL('measure.json', ARTIFACTS),
    `${JSON.stringify({ at: new Date(), budget: BUDGET, rows, scrolled }, null, 2)}\n`,
  )
  const scrolls = Object.entries(scrolled).map(([device, seen]) => `${device}: ${inWords(seen)}`)
  process.stdout.write(`${tableOf(rows)}\n\nScrolling through ${MANY} instances\n${scrolls.join('\n')}\n`)
})
