import { Problem } from '@convos/kit'
import type { Principal } from './auth.ts'
import type { Context } from './context.ts'
import {
  mayChangeTemplate,
  mayUseTemplate,
  type OfferedTool,
  type Template,
  type TemplateRequest,
  type TemplateTool,
  type TemplateVersion,
} from './contract/template.ts'
import { readTemplate, type TemplateContent, type TemplateRow, type VersionRow } from './db/templates.ts'

/** The same whether there is none or it is another's: whoever may not see it learns nothing. */
const unknownTemplate = () => new Problem({ status: 404, code: 'TEMPLATE_NOT_FOUND', detail: 'there is no such template' })

export const servicesUnavailable = (cause: unknown, detail: string) =>
  new Problem({ status: 503, code: 'SERVICES_UNAVAILABLE', detail, headers: { 'Retry-After': '5' }, cause })

type Caller = Pick<Principal, 'id' | 'role'> | null

/** Whose it is, or an operator: they may change it, and see versions that were never public. */
export const mayEdit = (row: TemplateRow, caller: Caller): boolean =>
  caller !== null && mayChangeTemplate({ creatorId: row.creator_id }, { principal: caller.id, role: caller.role })

/**
 * A template that the caller may see.
 * @throws Problem 404
 */
export async function visibleTemplate({ db }: Pick<Context, 'db'>, id: string, caller: Caller): Promise<TemplateRow> {
  const row = await readTemplate(db, id)
  if (!row || row.deleted_at || !(row.visibility === 'public' || mayEdit(row, caller))) throw unknownTemplate()
  return row
}

/**
 * A template that agents of this principal may be made from.
 * @throws Problem 404
 */
export async function usableTemplate({ db }: Pick<Context, 'db'>, id: string, principal: string): Promise<TemplateRow> {
  const row = await readTemplate(db, id)
  if (!row || row.deleted_at || !mayUseTemplate({ creatorId: row.creator_id, visibility: row.visibility }, { principal }))
    throw unknownTemplate()
  return row
}

/** What is wrong with the tools that a template asks for, by what services offers. */
export function faultsOfTools(
  tools: readonly TemplateTool[],
  offered: readonly OfferedTool[],
): { path: string; message: string }[] {
  return tools.flatMap(({ id, provisioning }, n) => {
    const tool = offered.find(({ toolId }) => toolId === id)
    const fault = (field: string, message: string) => [{ path: `tools.${n}.${field}`, message }]
    if (!tool) return fault('id', 'there is no such tool')
    if (!tool.provisioning.includes(provisioning))
      return fault('provisioning', `${tool.name} is offered as: ${tool.provisioning.join(', ')}`)
    // with the claimer's own credentials it needs no account of ours
    return tool.available || provisioning === 'user' ? [] : fault('id', `${tool.name} is not available here`)
  })
}

/**
 * Holds a template's content against the tools there are.
 * @throws Problem 422 | 503
 */
export async function assertOffered({ services }: Pick<Context, 'services'>, { tools }: TemplateRequest): Promise<void> {
  if (tools.length === 0) return
  const offered = await services.tools().catch((err: unknown) => {
    throw servicesUnavailable(err, 'the tools cannot be looked up now; try again')
  })
  const errors = faultsOfTools(tools, offered)
  if (errors.length > 0)
    throw new Problem({
      status: 422,
      code: 'TOOLS_NOT_OFFERED',
      detail: 'the template asks for tools that there are not',
      errors,
    })
}

const presentContent = ({ agent_name, instructions, model, tools, visibility, version }: TemplateContent) => ({
  agentName: agent_name,
  instructions,
  model,
  tools,
  visibility,
  version,
})

export const presentTemplate = (row: TemplateRow): Template => ({
  id: row.id,
  creatorId: row.creator_id,
  ...presentContent(row),
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
})

export const presentVersion = (row: VersionRow): TemplateVersion => ({
  ...presentContent(row),
  author: row.author,
  createdAt: row.created_at.toISOString(),
})
