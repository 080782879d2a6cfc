import { type QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createQueryClient } from './api/queries.ts'
import { createLiveFeed } from './live/feed.ts'
import { type AppRouter, createAppRouter } from './router.tsx'

export interface Parts {
  client: QueryClient
  router: AppRouter
}

/** The parts of one dashboard, tied together: whoever is told that the session ended leads to the login page and back. */
export function createParts(): Parts {
  const client = createQueryClient(askToLogIn)
  const router = createAppRouter({ client, feed: createLiveFeed(client, askToLogIn) })
  // the code of the page comes while it is asked who is looking
  for (const { routeId } of router.matchRoutes(router.latestLocation))
    void router.loadRouteChunk(router.routesById[routeId as keyof typeof router.routesById])

  function askToLogIn(): void {
    const { pathname, href } = router.latestLocation
    if (pathname === '/login') return
    client.removeQueries({ queryKey: ['session'] })
    void router.navigate({ to: '/login', search: { next: href }, replace: true })
  }
  return { client, router }
}

/** The whole dashboard. */
export const App = ({ client, router }: Parts) => (
  <QueryClientProvider client={client}>
    <RouterProvider router={router} />
  </QueryClientProvider>
)
