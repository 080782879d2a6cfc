import type { Template } from '@convos/pool/contract'
import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { templatesQuery } from '../api/queries.ts'
import { readTemplate, readVersions } from '../api/templates.ts'

/** The stream does not tell of templates, and whoever edits one should hear of another's version before it is too late. */
export const ASK_MS = 30_000

/** One template as it is now; until that is known, as the list has it. */
export const templateQuery = (id: string) =>
  queryOptions({
    queryKey: ['templates', id],
    queryFn: ({ signal }) => readTemplate(id, signal),
    refetchInterval: ({ state }) => (state.error?.status === 404 ? false : ASK_MS),
  })

/** What a template was, up to this version: that does not change any more. */
export const versionsQuery = ({ id, version }: Pick<Template, 'id' | 'version'>) =>
  queryOptions({
    queryKey: ['templates', id, 'versions', version],
    queryFn: ({ signal }) => readVersions(id, signal),
    staleTime: Infinity,
  })

export const inList = (client: QueryClient, id: string): Template | undefined =>
  client.getQueryData(templatesQuery.queryKey)?.templates.find((one) => one.id === id)

/** A template that pool just told us of. */
export function keepTemplate(client: QueryClient, template: Template): void {
  client.setQueryData(templateQuery(template.id).queryKey, template)
  client.setQueryData(
    templatesQuery.queryKey,
    (list) => list && { ...list, templates: [template, ...list.templates.filter(({ id }) => id !== template.id)] },
  )
}

/** A template that is gone. */
export function dropTemplate(client: QueryClient, gone: string): void {
  client.removeQueries({ queryKey: templateQuery(gone).queryKey })
  client.setQueryData(
    templatesQuery.queryKey,
    (list) => list && { ...list, templates: list.templates.filter(({ id }) => id !== gone) },
  )
}
