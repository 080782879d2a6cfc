import type { Deadline } from '@convos/kit'
import type { ToolState } from '@convos/services/contract'
import type { Context } from '../context.ts'
import { ServicesError } from '../services/errors.ts'
import type { TemplateTool } from '../contract/template.ts'
import type { UserConfig } from './request.ts'

/** How often it is looked whether tools are gone. */
const LOOK_EVERY_MS = 250

/**
 * What gave a box its tools, or why not: with `refused` one of them could not be made, and the box still may have others. `unanswered`:
 * services has not said of each of them that it knows of it; it may yet come, whatever is taken back before.
 */
export type Given = { unanswered: boolean } & (
  | { tools: ToolState[]; refused: null }
  | { tools: null; refused: ServicesError | null }
)

/**
 * Gives an untouched box the tools of its claim, all at once. One that is not done within its share is finished by services
 * afterwards and reaches the running agent then.
 */
export async function giveTools(
  ctx: Context,
  p: {
    instanceId: string
    claimId: string
    order: { tools: readonly TemplateTool[]; userConfig: UserConfig }
    withinMs: number
    requestId: string
  },
): Promise<Given> {
  const { instanceId, claimId, order, withinMs, requestId } = p
  let unanswered = false
  const asked = await Promise.allSettled(
    order.tools.map(async ({ id: toolId, provisioning }): Promise<ToolState> => {
      const userConfig = provisioning === 'user' ? order.userConfig[toolId] : undefined
      try {
        const tool = await ctx.services.provision(instanceId, toolId, { claimId, userConfig, withinMs, requestId })
        return { toolId, resourceId: tool.resourceId, state: tool.state }
      } catch (err) {
        if (err instanceof ServicesError && err.status === null) unanswered = true
        if (!(err instanceof ServicesError && err.code === 'TIMEOUT')) throw err
        return { toolId, resourceId: null, state: 'creating' }
      }
    }),
  )
  const failures = asked.flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : []))
  for (const err of failures) ctx.log.warn({ err, instanceId, claimId }, 'a tool could not be provisioned')
  const strange = failures.find((err) => !(err instanceof ServicesError))
  if (strange !== undefined) throw strange
  const known = failures.filter((err) => err instanceof ServicesError)
  const tools = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const given = tools.every((tool) => tool.state !== 'failed')
  if (known.length === 0 && given) return { tools, refused: null, unanswered }
  // whose the box is counts before everything, and what the claimer can put right before what they cannot
  const first = known.find(isForeignBox) ?? known.find((err) => err.fault === 'claim') ?? known[0]
  return { tools: null, refused: first ?? null, unanswered }
}

/** The box is somebody's agent, which this database does not know. */
export const isForeignBox = (err: unknown): boolean => err instanceof ServicesError && err.code === 'FOREIGN_CLAIM'

/** Tools that a claim brought: every other one was there from the first boot on, and stays. */
export async function brought(ctx: Pick<Context, 'services'>, tools: readonly ToolState[]): Promise<ToolState[]> {
  const live = tools.filter(({ state }) => state !== 'destroyed' && state !== 'retained')
  if (live.length === 0) return []
  const offered = await ctx.services.tools()
  const always = new Set(offered.filter((tool) => tool.provisioning.includes('always')).map((tool) => tool.toolId))
  return live.filter(({ toolId }) => !always.has(toolId))
}

/**
 * Takes from a box what a claim brought, until services confirms that nothing of it is left; false: not in time, and nobody may be
 * handed the box.
 * @throws ServicesError `FOREIGN_CLAIM`: the box is another claim's, and keeps what it has
 */
export async function takeToolsBack(
  ctx: Context,
  { instanceId, claimId }: { instanceId: string; claimId: string },
  deadline: Deadline,
): Promise<boolean> {
  const { clock, log, services } = ctx
  while (!deadline.passed) {
    try {
      const detail = (await services.statuses([instanceId], deadline)).get(instanceId)
      if (detail && detail.state !== 'unknown') {
        const left = await brought(ctx, detail.tools)
        if (left.length === 0) return true
        await Promise.all(left.map(({ toolId }) => services.takeTool(instanceId, toolId, { claimId, withinMs: deadline.leftMs })))
      }
    } catch (err) {
      if (!(err instanceof ServicesError) || isForeignBox(err)) throw err
      log.warn({ err, instanceId }, 'the tools of a claim could not be taken back; it is tried again')
    }
    await clock.sleep(Math.min(LOOK_EVERY_MS, deadline.leftMs), deadline.signal)
  }
  return false
}
