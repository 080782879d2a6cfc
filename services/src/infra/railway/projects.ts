import type { ListedPlace, Place } from '../provider.ts'
import type { RailwayClient } from './client.ts'
import * as op from './operations.ts'
import { placeOf } from './place.ts'

const PAGE = 100
/** Railway's clock and ours need not agree. */
const CLOCK_MARGIN_MS = 60 * 60 * 1000
const MARKER = /^convos:[^:]+:[^:]+:[a-z0-9]{12}$/

interface Page<T> {
  edges: { node: T }[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

/** Newest first, as far as the caller goes; a cursor that stands still ends it too. */
async function* pages<T>(next: (after: string | null) => Promise<Page<T>>): AsyncGenerator<T[]> {
  for (let after: string | null = null; ;) {
    const { edges, pageInfo } = await next(after)
    yield edges.map(({ node }) => node)
    if (!pageInfo.hasNextPage || pageInfo.endCursor === null || pageInfo.endCursor === after) return
    after = pageInfo.endCursor
  }
}

const newestFirst = (workspaceId: string, after: string | null) =>
  ({ workspaceId, first: PAGE, after, orderBy: 'CREATED_AT_DESC' }) as const

/** Live projects of exactly this marker, oldest first; one whose creation broke off may have no environment. */
export async function findProjects(
  call: RailwayClient,
  p: { workspaceId: string; marker: string; since: Date },
): Promise<Place[]> {
  const found: Place[] = []
  const next = async (after: string | null) => (await call(op.ProjectsPage, newestFirst(p.workspaceId, after))).projects
  for await (const projects of pages(next)) {
    const ours = projects.filter(({ description, deletedAt }) => description === p.marker && deletedAt === null)
    found.push(...ours.map(({ id, environments: [first] }) => placeOf({ projectId: id, environmentId: first?.id })))
    const oldest = projects.at(-1)
    if (!oldest || oldest.createdAt.getTime() < p.since.getTime() - CLOCK_MARGIN_MS) break
  }
  return found.toReversed()
}

/** Every live project that carries a marker of ours, with all ids that belong to it. */
export async function surveyProjects(call: RailwayClient, workspaceId: string): Promise<ListedPlace[]> {
  const places: ListedPlace[] = []
  const next = async (after: string | null) => (await call(op.ProjectsSurvey, newestFirst(workspaceId, after))).projects
  for await (const projects of pages(next)) {
    for (const project of projects) {
      const { description: marker, name, createdAt, deletedAt } = project
      if (marker !== null && deletedAt === null && MARKER.test(marker))
        places.push({ place: surveyedPlace(project), marker, name, createdAt })
    }
  }
  return places
}

function surveyedPlace({ id, environments: [environment] }: op.SurveyedProject): Place {
  const serviceId = environment?.serviceInstances[0]?.serviceId
  const [domain] = environment?.serviceInstances[0]?.domains.serviceDomains ?? []
  const volume = environment?.volumeInstances.find((v) => v.serviceId === serviceId && !v.isPendingDeletion)
  return placeOf({
    projectId: id,
    environmentId: environment?.id,
    serviceId,
    volumeId: volume?.volumeId,
    domainId: domain?.id,
    domain: domain?.domain,
  })
}
