import type { Instance, Instances } from '@convos/pool/contract'
import type { InfiniteData } from '@tanstack/react-query'
import type { z } from 'zod'
import type { Listing } from '../api/instances.ts'
import { instancesIn, type Merge } from '../live/merge.ts'

type Page = z.infer<typeof Instances>
export type Pages = InfiniteData<Page>

/** Whether the API would list it. */
export function passes({ status, text, template, owner, image }: Listing, instance: Instance): boolean {
  const wanted = text?.toLowerCase()
  return (
    (status === undefined || status.includes(instance.status)) &&
    (template === undefined || instance.templateId === template) &&
    (owner === undefined || instance.ownerId === owner || instance.ownerAddress?.toLowerCase() === owner.toLowerCase()) &&
    (image === undefined || instance.image === image) &&
    (wanted === undefined || instance.id.includes(wanted) || Boolean(instance.agentName?.toLowerCase().includes(wanted)))
  )
}

/** The order of the API: what has no key comes last either way, equals go by their ids. */
export function compare({ sort, order }: Listing, a: Instance, b: Instance): number {
  const [x, y] = [a[sort], b[sort]]
  if ((x === null) !== (y === null)) return x === null ? 1 : -1
  const way = order === 'asc' ? 1 : -1
  return way * (inOrder(x ?? '', y ?? '') || inOrder(a.id, b.id))
}

const inOrder = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0)

/**
 * News into the pages that were loaded so far: a row changes in place, moves when what it is sorted by changed, leaves when it
 * does not pass any more, and comes in at its place; beyond what is loaded it comes with its own page.
 */
export const intoPages =
  (listing: Listing): Merge<Pages> =>
  (data, news) => {
    const told = instancesIn(news)
    if (told.size === 0) return data
    const inPlace = new Set<string>()
    let changed = false
    const pages = data.pages.map((page) => {
      if (!page.instances.some(({ id }) => told.has(id))) return page
      changed = true
      const instances = page.instances.flatMap((one) => {
        const now = told.get(one.id)
        if (now === undefined) return [one]
        if (now === null || inPlace.has(one.id) || !passes(listing, now) || one[listing.sort] !== now[listing.sort]) return []
        inPlace.add(one.id)
        return [now]
      })
      return { ...page, instances }
    })
    for (const [id, now] of told) {
      if (now === null || inPlace.has(id) || !passes(listing, now)) continue
      changed = putIn(pages, now, listing) || changed
    }
    return changed ? { ...data, pages } : data
  }

function putIn(pages: Page[], instance: Instance, listing: Listing): boolean {
  for (const [index, page] of pages.entries()) {
    const before = page.instances.findIndex((one) => compare(listing, instance, one) < 0)
    const place = before >= 0 ? before : index === pages.length - 1 && page.nextCursor === null ? page.instances.length : -1
    if (place < 0) continue
    pages[index] = { ...page, instances: page.instances.toSpliced(place, 0, instance) }
    return true
  }
  return false
}

/** All that was loaded, each once: between two pages a row may have moved from one to the other. */
export function rowsOf(data: Pages): Instance[] {
  const seen = new Set<string>()
  return data.pages.flatMap(({ instances }) => instances.filter(({ id }) => !seen.has(id) && seen.add(id)))
}
