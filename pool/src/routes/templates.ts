import { randomBytes } from 'node:crypto'
import { type Endpoint, endpoint, Problem } from '@convos/kit'
import type { Response } from 'express'
import { z } from 'zod'
import { type AuthClass, callerOf, principalOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { OfferedTools, Template, TemplateRequest, Templates, TemplateUpdate, TemplateVersions } from '../contract/template.ts'
import {
  deleteTemplate,
  insertTemplate,
  listTemplates,
  listVersions,
  readTemplate,
  type TemplateRow,
  updateTemplate,
} from '../db/templates.ts'
import { assertOffered, mayEdit, presentTemplate, presentVersion, servicesUnavailable, visibleTemplate } from '../templates.ts'

const SHOWN = 200
const ById = z.object({ id: z.string().min(1).max(64) })
const Deleted = z.object({ ok: z.literal(true) })

/** Templates: public ones are everybody's to see, one's own are one's own to change, an operator's are all. */
export const templateRoutes = (ctx: Context): Endpoint<AuthClass>[] => [
  endpoint({
    method: 'get',
    path: '/api/tools',
    operationId: 'listTools',
    summary: 'The tools that templates can ask for',
    auth: 'public',
    replies: { 200: OfferedTools },
    async handle() {
      const tools = await ctx.services.tools().catch((err: unknown) => {
        throw servicesUnavailable(err, 'the tools are not known yet; try again')
      })
      return { status: 200, body: { tools: [...tools] } }
    },
  }),

  endpoint({
    method: 'get',
    path: '/api/templates',
    operationId: 'listTemplates',
    summary: 'Public templates and your own; for operators all',
    auth: 'public',
    replies: { 200: Templates },
    async handle({ res }) {
      const caller = principalOf(res)
      const who = { all: caller?.role === 'operator', viewer: caller?.id ?? null }
      const rows = await listTemplates(ctx.db, { ...who, limit: SHOWN + 1 })
      return { status: 200, body: { templates: rows.slice(0, SHOWN).map(presentTemplate), truncated: rows.length > SHOWN } }
    },
  }),

  endpoint({
    method: 'post',
    path: '/api/templates',
    operationId: 'createTemplate',
    summary: 'Make a template; it is yours, and private unless you say otherwise',
    auth: 'claimer',
    body: TemplateRequest,
    replies: { 201: Template },
    async handle({ body, res }) {
      await assertOffered(ctx, body)
      const id = `tpl_${randomBytes(12).toString('hex')}`
      const row = await insertTemplate(ctx.db, { id, creator: callerOf(res).id, content: body })
      if (!row) throw new Error('a template was not written')
      return { status: 201, body: presentTemplate(row), headers: { Location: `/api/templates/${row.id}` } }
    },
  }),

  endpoint({
    method: 'get',
    path: '/api/templates/:id',
    operationId: 'getTemplate',
    summary: 'One template as it is now',
    auth: 'public',
    params: ById,
    replies: { 200: Template },
    async handle({ params: { id }, res }) {
      return { status: 200, body: presentTemplate(await visibleTemplate(ctx, id, principalOf(res))) }
    },
  }),

  endpoint({
    method: 'get',
    path: '/api/templates/:id/versions',
    operationId: 'listTemplateVersions',
    summary: "What a template was; of someone else's what was public then",
    auth: 'public',
    params: ById,
    replies: { 200: TemplateVersions },
    async handle({ params: { id }, res }) {
      const caller = principalOf(res)
      const publicOnly = !mayEdit(await visibleTemplate(ctx, id, caller), caller)
      const rows = await listVersions(ctx.db, { id, publicOnly, limit: SHOWN + 1 })
      return { status: 200, body: { versions: rows.slice(0, SHOWN).map(presentVersion), truncated: rows.length > SHOWN } }
    },
  }),

  endpoint({
    method: 'put',
    path: '/api/templates/:id',
    operationId: 'updateTemplate',
    summary: 'Make its next version; agents made from earlier ones stay as they are',
    auth: 'claimer',
    params: ById,
    body: TemplateUpdate,
    replies: { 200: Template },
    async handle({ params: { id }, body: { version: seen = null, ...content }, res }) {
      await editable(ctx, id, res)
      await assertOffered(ctx, content)
      const row = await updateTemplate(ctx.db, { id, seen, author: callerOf(res).id, content })
      if (row) return { status: 200, body: presentTemplate(row) }
      // gone since, or moved on
      const now = await editable(ctx, id, res)
      throw new Problem({
        status: 409,
        code: 'VERSION_CONFLICT',
        detail: `the template is at version ${now.version} now`,
        extra: { version: now.version },
      })
    },
  }),

  endpoint({
    method: 'delete',
    path: '/api/templates/:id',
    operationId: 'deleteTemplate',
    summary: 'Take a template out of use; agents made from it stay, and twice is fine',
    auth: 'claimer',
    params: ById,
    replies: { 200: Deleted },
    async handle({ params: { id }, res }) {
      const gone = await readTemplate(ctx.db, id)
      if (!gone?.deleted_at || !mayEdit(gone, callerOf(res))) await editable(ctx, id, res)
      await deleteTemplate(ctx.db, id)
      return { status: 200, body: { ok: true as const } }
    },
  }),
]

/** @throws Problem 403 where it may be seen, 404 where it may not */
export async function editable(ctx: Context, id: string, res: Response): Promise<TemplateRow> {
  const caller = callerOf(res)
  const row = await visibleTemplate(ctx, id, caller)
  if (!mayEdit(row, caller)) throw new Problem({ status: 403, code: 'FORBIDDEN', detail: "this is someone else's template" })
  return row
}
