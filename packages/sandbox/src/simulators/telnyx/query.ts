import type { Request } from 'express'
import { z } from 'zod'

const MAX_PAGE_SIZE = 250

const Query = z.record(z.string(), z.union([z.string(), z.array(z.string())]))

const PageQuery = z.object({
  'page[number]': z.coerce.number().int().min(1).default(1),
  'page[size]': z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(20),
})

/** `filter[a]=x&filter[b][c]=y` as `{a: 'x', 'b.c': 'y'}`; a list, in whatever form it comes, is joined by commas. */
export function filtersOf({ query }: Pick<Request, 'query'>): Record<string, string> {
  const filters: Record<string, string> = {}
  for (const [key, value] of Object.entries(Query.parse(query))) {
    const [, name, part] = /^filter\[([\w.]+)\](?:\[(\w*)\])?$/.exec(key) ?? []
    if (name !== undefined) filters[part ? `${name}.${part}` : name] = [value].flat().join(',')
  }
  return filters
}

/** One page of rows, with the counts without which clients would ask for ever. */
export function page<T>({ query }: Pick<Request, 'query'>, rows: T[]) {
  const { 'page[number]': number, 'page[size]': size } = PageQuery.parse(query)
  return {
    data: rows.slice((number - 1) * size, number * size),
    meta: { page_number: number, page_size: size, total_pages: Math.ceil(rows.length / size), total_results: rows.length },
  }
}
