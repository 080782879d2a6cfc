import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Instance, PoolStatus } from '@convos/pool/contract'
import { expect, type Page } from '@playwright/test'

const PAGE = 200
const LISTED = 1_000

/**
 * Has the page believe in a pool of so many instances like this one: more than a sandbox holds. The answers come over the
 * network and compressed, as those of pool do, so that they may be measured.
 */
export async function pretend(page: Page, one: Instance, count: number): Promise<void> {
  const all = Array.from({ length: count }, (_, index) => ({
    ...one,
    id: index.toString(36).padStart(12, '0'),
    agentName: index % 3 === 0 ? `agent ${index}` : null,
    createdAt: new Date(Date.now() - index * 60_000).toISOString(),
  }))
  const status: PoolStatus = {
    counts: { provisioning: 0, idle: count, claimed: 0, crashed: 0, stuck: 0 },
    byStatus: { [one.status]: count },
    target: count,
    held: null,
    instances: all.slice(0, LISTED),
    truncated: count > LISTED,
  }
  const pageFrom = (from: number) => ({
    instances: all.slice(from, from + PAGE),
    nextCursor: from + PAGE < count ? String(from + PAGE) : null,
  })
  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://localhost')
    const answer = pathname.endsWith('/status') ? status : pageFrom(Number(searchParams.get('cursor') ?? 0))
    res.setHeader('content-type', 'application/json').setHeader('content-encoding', 'gzip')
    res.end(gzipSync(JSON.stringify(answer), { level: 1 }))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  page.once('close', () => server.close())
  const { port } = server.address() as AddressInfo
  await page.route(/\/api\/pool\/(instances\?|status$)/, async (route) => {
    const { pathname, search } = new URL(route.request().url())
    await route.continue({ url: `http://127.0.0.1:${port}${pathname}${search}` })
  })
}

const scrollerOf = (page: Page) => page.getByRole('region', { name: 'Instances, scrollable' })

/** Has all pages of the fleet read, as somebody who scrolls to the end has them. */
export async function readAll(page: Page, count: number): Promise<void> {
  await expect(page.getByText(`${PAGE}+ shown`)).toBeVisible({ timeout: 30_000 })
  await expect
    .poll(
      async () => {
        await scrollerOf(page).evaluate((element) => element.scrollTo(0, element.scrollHeight))
        return page.locator('.fleet-count').textContent()
      },
      { timeout: 120_000, intervals: [50] },
    )
    .toBe(`${count.toLocaleString('en-US')} shown`)
}

export interface Scrolled {
  /** Long tasks, ms. */
  tasks: number[]
  /** From one frame to the next, ms, the shortest first. */
  frames: number[]
  /** How many rows existed at once. */
  most: number
  /** The page's own work for each frame, ms: how long that takes is for the machine and whoever else is on it. */
  perFrame: number
}

/** Scrolls through the fleet, 400 px a frame. */
export async function scrollThrough(page: Page): Promise<Scrolled> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const cpu = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN)
  }
  const before = await cpu()
  const seen = await scrollerOf(page).evaluate(async (element) => {
    const STEP = 400
    const tasks: number[] = []
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
    observer.observe({ type: 'longtask' })
    const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve))
    element.scrollTo(0, 0)
    const frames: number[] = []
    let last = await frame()
    let most = 0
    for (let top = 0; top < 150 * STEP; top += STEP) {
      element.scrollTo(0, top)
      const now = await frame()
      frames.push(now - last)
      last = now
      most = Math.max(most, element.querySelectorAll('tbody tr').length)
    }
    observer.disconnect()
    return { tasks, most, frames: frames.toSorted((a, b) => a - b) }
  })
  return { ...seen, perFrame: ((await cpu()) - before) / seen.frames.length }
}

export const inWords = ({ frames, perFrame, tasks, most }: Scrolled): string => {
  const p95 = frames[Math.floor(frames.length * 0.95)] ?? 0
  return `${frames.length} frames, ${perFrame.toFixed(1)} ms of work each, p95 ${p95.toFixed(0)} ms, ${tasks.length} long tasks of ${Math.max(0, ...tasks)} ms at most, ${most} rows at most`
}
