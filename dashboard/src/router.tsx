import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { isSignedOut } from './api/errors.ts'
import { countsQuery, sessionQuery, statusQuery, templatesQuery, toolsQuery } from './api/queries.ts'
import { Elsewhere } from './frame/Elsewhere.tsx'
import { Inside, Unreached, Waiting } from './frame/Inside.tsx'
import { OperatorsOnly } from './frame/OperatorsOnly.tsx'
import { Root } from './frame/Root.tsx'
import type { LiveFeed } from './live/feed.ts'
import { parseSearch, type Search, stringifySearch } from './url.ts'

interface RouterContext {
  client: QueryClient
  feed: LiveFeed
}

const root = createRootRouteWithContext<RouterContext>()({
  component: Root,
  validateSearch: (search: Record<string, unknown>) => search as Search,
})

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: lazyRouteComponent(() => import('./session/LoginPage.tsx'), 'LoginPage'),
})

/** Everything behind the login: who is looking is known before anything is fetched. */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  async beforeLoad({ context, location }) {
    try {
      return { session: await context.client.ensureQueryData(sessionQuery) }
    } catch (error) {
      if (isSignedOut(error)) throw redirect({ to: '/login', search: { next: location.href }, replace: true })
      throw error
    }
  },
  component: Inside,
  pendingComponent: Waiting,
  errorComponent: Unreached,
})

const claim = createRoute({
  getParentRoute: () => inside,
  path: '/',
  loader: ({ context: { client, session } }) => {
    void client.prefetchQuery(templatesQuery)
    void client.prefetchQuery(toolsQuery)
    if (session.role === 'claimer') void client.prefetchQuery(countsQuery)
  },
  component: lazyRouteComponent(() => import('./claim/ClaimPage.tsx'), 'ClaimPage'),
})

const templates = createRoute({
  getParentRoute: () => inside,
  path: '/templates',
  loader: ({ context: { client } }) => {
    void client.prefetchQuery(templatesQuery)
    void client.prefetchQuery(toolsQuery)
  },
  component: lazyRouteComponent(() => import('./templates/TemplatesPage.tsx'), 'TemplatesPage'),
})

const operators = createRoute({ getParentRoute: () => inside, id: 'operators', component: OperatorsOnly })

const readStatus = ({ context: { client, session } }: { context: RouterContext & { session: { role: string } } }) => {
  if (session.role === 'operator') void client.prefetchQuery(statusQuery)
}

const fleet = createRoute({
  getParentRoute: () => operators,
  path: '/instances',
  loader: readStatus,
  component: lazyRouteComponent(() => import('./fleet/FleetPage.tsx'), 'FleetPage'),
})

const pool = createRoute({
  getParentRoute: () => operators,
  path: '/pool',
  loader: (route) => {
    readStatus(route)
    const { client, session } = route.context
    if (session.role === 'operator') void import('./pool/queries.ts').then(({ readPool }) => readPool(client))
  },
  component: lazyRouteComponent(() => import('./pool/PoolPage.tsx'), 'PoolPage'),
})

const activity = createRoute({
  getParentRoute: () => operators,
  path: '/activity',
  loader: (route) => {
    readStatus(route)
    const { context, location } = route
    if (context.session.role !== 'operator') return
    void import('./activity/queries.ts').then(({ readActivity }) => readActivity(context.client, location.search))
  },
  component: lazyRouteComponent(() => import('./activity/ActivityPage.tsx'), 'ActivityPage'),
})

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  component: lazyRouteComponent(() => import('./settings/SettingsPage.tsx'), 'SettingsPage'),
})

/** An address of ours that leads nowhere. */
const nowhere = createRoute({
  getParentRoute: () => inside,
  path: '$',
  component: () => <Elsewhere what="There is no such page." todo="The address may be mistyped." />,
})

const routeTree = root.addChildren([
  login,
  inside.addChildren([claim, templates, operators.addChildren([fleet, pool, activity]), settings, nowhere]),
])

/** The routes of the dashboard, over one query client and one stream. */
export const createAppRouter = (context: RouterContext) =>
  createRouter({
    routeTree,
    context,
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    // how old data may be is for its query to know
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: () => (
      <Elsewhere
        what="This page broke."
        todo="That is a fault of the dashboard, not of the pool. Reload the page, or go elsewhere."
      />
    ),
    defaultPendingMs: 150,
    scrollRestoration: true,
  })

export type AppRouter = ReturnType<typeof createAppRouter>

declare module '@tanstack/react-router' {
  interface Register {
    router: AppRouter
  }
}
