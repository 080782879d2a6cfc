import { Problem } from '@convos/kit'
import type { Context } from '../context.ts'
import { can } from '../contract/index.ts'
import type { TemplateTool } from '../contract/template.ts'
import { readTold } from '../db/sync.ts'
import type { Origin } from '../db/templates.ts'
import { knownInstance, unknownInstance } from '../known.ts'
import { servicesUnavailable, usableTemplate } from '../templates.ts'
import { brought } from './tools.ts'
import type { Draft } from './request.ts'

/** What an agent is told and may have. */
interface Told {
  agentName: string
  instructions: string
  model: string | null
  tools: readonly TemplateTool[]
  allowedTools: readonly string[] | null
}

/**
 * Another agent like the one of an instance, for whoever asks: what it was told, and tools like those that it has. It counts as
 * made from the same template where the caller may use that; what it is told stays the instance's, whatever the template says now.
 * @throws Problem 404 | 409 | 503
 */
export async function cloneOrder(
  ctx: Pick<Context, 'db' | 'services'>,
  draft: Draft,
  instanceId: string,
  { principal }: { principal: string },
): Promise<Origin & Pick<Draft, 'joinUrl' | 'userConfig' | 'expiresAt'> & Told> {
  const row = await knownInstance(ctx, instanceId)
  const told = await readTold(ctx.db, instanceId)
  if (!told) throw unknownInstance()
  const may = can('clone', row)
  if (may !== true) throw new Problem({ status: 409, code: 'WRONG_STATUS', detail: may })
  if (row.agent_name === null || told.instructions === null)
    throw new Problem({ status: 409, code: 'NOT_CLONEABLE', detail: 'what this agent was told is not known here' })

  const live = await brought(ctx, row.tools).catch((err: unknown) => {
    throw servicesUnavailable(err, 'its tools cannot be looked up now; try again')
  })
  const tools = live.filter(({ state }) => state !== 'destroying' && state !== 'failed').map(likeIt)
  const templateId = row.template_id !== null && (await mayUse(ctx, row.template_id, principal)) ? row.template_id : null
  return {
    agentName: row.agent_name,
    instructions: told.instructions,
    joinUrl: draft.joinUrl,
    model: row.model,
    template: templateId === null ? null : { templateId, version: row.template_version ?? 1 },
    overrides: told.overrides,
    parentInstance: row.id,
    tools,
    // what its template kept from it is not given to its clone
    allowedTools: row.template_id === null ? null : tools.map((tool) => tool.id),
    userConfig: draft.userConfig,
    expiresAt: draft.expiresAt,
  }
}

const likeIt = ({ toolId, state }: { toolId: string; state: string }): TemplateTool => ({
  id: toolId,
  provisioning: state === 'user_provided' ? 'user' : 'pool',
})

async function mayUse(ctx: Pick<Context, 'db'>, templateId: string, principal: string): Promise<boolean> {
  try {
    await usableTemplate(ctx, templateId, principal)
    return true
  } catch (err) {
    if (err instanceof Problem && err.status === 404) return false
    throw err
  }
}
