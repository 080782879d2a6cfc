import type { ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { type Endpoint, endpoint, openApiDocument } from '@convos/kit'
import express, { Router } from 'express'
import { z } from 'zod'
import { type AuthClass, cookieName } from '../auth.ts'
import type { Context } from '../context.ts'
import type { Role } from '../contract/index.ts'
import { PAGE_POLICY } from './policy.ts'
import { version } from './system.ts'

const PAGE = fileURLToPath(new URL('../docs-page', import.meta.url))

const DESCRIPTION =
  'Warm AI agents, claimed in well under a second. Errors are `application/problem+json` with a stable `code`; bodies with ' +
  'unknown fields are refused; every answer carries `X-Request-Id`. Operators may do whatever claimers may. A session cookie ' +
  "writes only as JSON from the dashboard's own origin."

/** The API about itself, as OpenAPI 3.1. */
export function describing({ config }: Context, endpoints: readonly Endpoint<AuthClass>[]): Endpoint<'public'> {
  const proofs = (role: Role) => [
    { name: 'apiKey', scheme: { type: 'http', scheme: 'bearer' }, roles: [role] },
    { name: 'session', scheme: { type: 'apiKey', in: 'cookie', name: cookieName(config.publicUrl) }, roles: [role] },
  ]
  const self: Endpoint<'public'> = endpoint({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This description',
    auth: 'public',
    replies: { 200: z.record(z.string(), z.unknown()) },
    handle: () => ({ status: 200, body: (document ??= describe()) }),
  })
  // made for the first who asks: few processes are ever asked
  let document: Record<string, unknown> | undefined
  const describe = () =>
    openApiDocument<AuthClass>([...endpoints, self], {
      title: 'Convos Agents',
      version,
      description: DESCRIPTION,
      security: {
        public: null,
        claimer: proofs('claimer'),
        operator: proofs('operator'),
        metrics: { name: 'metricsToken', scheme: { type: 'http', scheme: 'bearer' } },
      },
    })
  return self
}

/** `GET /docs`: a page of ours that renders the description, without a line from elsewhere. */
export function docsPage(): Router {
  const setHeaders = (res: ServerResponse) => {
    res.setHeader('Content-Security-Policy', PAGE_POLICY)
    res.setHeader('Cache-Control', 'no-cache')
  }
  const files = express.static(PAGE, { index: false, redirect: false, setHeaders })
  return Router()
    .get('/docs', (_req, res) => {
      setHeaders(res)
      res.sendFile('index.html', { root: PAGE, cacheControl: false })
    })
    .use('/docs', files)
}
