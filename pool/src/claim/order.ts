import { Problem } from '@convos/kit'
import type { Context } from '../context.ts'
import { DEFAULT_AGENT_NAME, DEFAULT_INSTRUCTIONS } from '../contract/index.ts'
import type { OfferedTool, TemplateTool } from '../contract/template.ts'
import type { ClaimOwner } from '../db/claims.ts'
import type { EntryFacts } from '../db/nonces.ts'
import type { Origin, TemplateRow } from '../db/templates.ts'
import { ServicesError } from '../services/errors.ts'
import { servicesUnavailable, usableTemplate } from '../templates.ts'
import { audienceOf } from './challenge.ts'
import { cloneOrder } from './clone.ts'
import { nonceUsed, proveOwner } from './owner.ts'
import type { Draft, UserConfig } from './request.ts'

/** What is carried out: the draft with its template's part filled in. As little stored as the draft. */
export interface Order extends Origin {
  agentName: string
  instructions: string
  joinUrl: string | null
  model: string | null
  tools: readonly TemplateTool[]
  /** What the agent may provision for itself; null: whatever there is. */
  allowedTools: readonly string[] | null
  userConfig: UserConfig
  owner: ClaimOwner | null
  expiresAt: Date | null
}

type Unowned = Omit<Order, 'owner'>
type FieldError = { path: string; message: string }

/**
 * Fills in what the template says, proves the owner, and has the claimer's credentials tried by their providers. Nothing is
 * reserved yet, so whatever is wrong here costs no box.
 * @throws Problem 400 | 401 | 404 | 422 | 503
 */
export async function placeOrder(
  ctx: Context,
  draft: Draft,
  p: { principal: string; requestId: string; facts: EntryFacts },
): Promise<Order> {
  if (draft.expiresAt && draft.expiresAt <= p.facts.now)
    throw badRequest([{ path: 'expiresAt', message: 'must be in the future' }])
  const order = draft.cloneOf === null ? await fromTemplate(ctx, draft, p) : await cloneOrder(ctx, draft, draft.cloneOf, p)
  refuseUnasked(order)
  const wanted = order.tools.filter((tool) => tool.provisioning === 'user').map((tool) => tool.id)
  const missing = wanted.filter((id) => !Object.hasOwn(order.userConfig, id))
  if (missing.length > 0) throw required(missing, await ctx.services.tools().catch(() => []))
  const owner = await ownerOf(ctx, draft, p.facts)
  await tryOut(ctx, order, wanted, p.requestId)
  return { ...order, owner }
}

async function fromTemplate(ctx: Pick<Context, 'db'>, draft: Draft, { principal }: { principal: string }): Promise<Unowned> {
  return fillIn(draft, draft.templateId === null ? null : await usableTemplate(ctx, draft.templateId, principal))
}

const OVERRIDABLE = ['agentName', 'instructions', 'model'] as const

/** Explicit fields override the template's, the model only where the template lets them. */
function fillIn(draft: Draft, template: TemplateRow | null): Unowned {
  const { model, joinUrl, userConfig, expiresAt } = draft
  if (template && model !== null && model !== template.model.default && !template.model.allow_override)
    throw new Problem({
      status: 422,
      code: 'MODEL_NOT_ALLOWED',
      detail: 'the template does not let its model be changed',
      errors: [
        { path: 'model', message: `the template says ${template.model.default ?? 'nothing, so that it is the usual one'}` },
      ],
    })
  return {
    agentName: draft.agentName ?? template?.agent_name ?? DEFAULT_AGENT_NAME,
    instructions: draft.instructions ?? template?.instructions ?? DEFAULT_INSTRUCTIONS,
    joinUrl,
    model: model ?? template?.model.default ?? null,
    template: template && { templateId: template.id, version: template.version },
    overrides: template ? OVERRIDABLE.filter((field) => draft[field] !== null) : [],
    parentInstance: null,
    tools: template?.tools ?? [],
    allowedTools: template && template.tools.map((tool) => tool.id),
    userConfig,
    expiresAt,
  }
}

/** Credentials that nobody asked for would be passed over in silence, or worse, kept. */
function refuseUnasked({ userConfig, tools }: Pick<Order, 'userConfig' | 'tools'>): void {
  const isAsked = (id: string) => tools.some((tool) => tool.id === id && tool.provisioning === 'user')
  const errors = Object.keys(userConfig)
    .filter((id) => !isAsked(id))
    .map((id) => ({ path: `userConfig.${id}`, message: 'the template does not ask for this' }))
  if (errors.length > 0) throw badRequest(errors)
}

const badRequest = (errors: FieldError[]) =>
  new Problem({ status: 400, code: 'INVALID_REQUEST', detail: 'the request does not have the expected shape', errors })

/** Whose agent it will be, where the claim says so. */
async function ownerOf(ctx: Context, { signed, ownerInboxId: inboxId }: Draft, facts: EntryFacts): Promise<ClaimOwner | null> {
  if (!signed) return inboxId === null ? null : { address: null, inboxId, nonce: null, nonceExpiresAt: null }
  const { config, limits, secrets } = ctx
  const rules = { audience: audienceOf(config.publicUrl), secrets, now: facts.now }
  const proven = await proveOwner(signed, { ...rules, maxAgeMs: limits.challengeMs, aheadMs: limits.signedAheadMs })
  if (facts.nonceTaken) throw nonceUsed()
  return { ...proven, inboxId }
}

/** Names what is missing field by field, where services tells the fields. */
function required(missing: readonly string[], offered: readonly OfferedTool[]): Problem {
  const errors = missing.flatMap((id): FieldError[] => {
    const schema = offered.find(({ toolId }) => toolId === id)?.userConfig
    const listed = schema?.['required']
    const fields = Array.isArray(listed) ? listed.filter((field): field is string => typeof field === 'string') : []
    const paths = fields.length > 0 ? fields.map((field) => `userConfig.${id}.${field}`) : [`userConfig.${id}`]
    return paths.map((path) => ({ path, message: 'is required' }))
  })
  return new Problem({ status: 422, code: 'USER_CONFIG_REQUIRED', detail: 'the template needs credentials of yours', errors })
}

async function tryOut(
  ctx: Pick<Context, 'services'>,
  order: Pick<Order, 'userConfig'>,
  toolIds: readonly string[],
  requestId: string,
) {
  const refused = await Promise.all(
    toolIds.map(async (id): Promise<FieldError[]> => {
      try {
        await ctx.services.validate(id, order.userConfig[id], requestId)
        return []
      } catch (err) {
        if (!(err instanceof ServicesError)) throw err
        if (err.status !== 422) throw servicesUnavailable(err, 'your credentials could not be tried now; claim again')
        const errors = err.errors.length > 0 ? err.errors : [{ path: '', message: err.detail ?? 'is not accepted' }]
        return errors.map(({ path, message }) => ({ path: ['userConfig', id, path].filter(Boolean).join('.'), message }))
      }
    }),
  )
  const errors = refused.flat()
  if (errors.length > 0)
    throw new Problem({ status: 422, code: 'USER_CONFIG_REJECTED', detail: 'your credentials are not accepted', errors })
}
