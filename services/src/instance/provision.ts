import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { Deadline, parseRequest, Problem, withTransaction } from '@convos/kit'
import type { Context } from '../context.ts'
import { ANY_RESOURCE, type ProvisionToolReply, type ToolReply } from '../contract/index.ts'
import {
  addResources,
  addUserProvided,
  countSelfProvisioned,
  isLive,
  lockInstance,
  makeUrgent,
  readTools,
  recordConfig,
  retryFailed,
  type ToolRow,
  wishToolAway,
} from '../db/tools.ts'
import { claimUsage, readUsage, recordUsage } from '../db/usage.ts'
import { asProblem } from '../infra/problem.ts'
import { TOOL_POLL_EVERY, TOOL_WAIT, USAGE_EVERY } from '../limits.ts'
import { type ToolPlugin, UserConfigRejected } from '../registry.ts'
import { foreignClaim, knownInstance } from './access.ts'
import { envOf, isFor, placeOfSecret } from './tools.ts'
import { presentTool } from './tool-state.ts'

export interface ToolRequest {
  instanceId: string
  toolId: string
  requestedBy: 'pool' | 'instance'
  /** The claim it is for: refused where the instance is another's. Absent: for whoever has it. */
  claimId?: string | undefined
  /** The claimer's own credentials, in place of ours. */
  userConfig?: unknown
  /** So many new ones per time. */
  quota?: { max: number; perMs: number }
}

/**
 * Gives an instance a tool: writes down that it is to have it, and waits a while for the runner to make it. The same again is the same tool.
 * @throws Problem 404 | 409 | 422 | 429
 */
export async function provisionTool(ctx: Context, p: ToolRequest): Promise<ProvisionToolReply> {
  const plugin = knownTool(ctx, p.toolId)
  await presentInstance(ctx, p.instanceId)
  if (p.userConfig !== undefined) await addUsersOwn(ctx, plugin, p)
  else if (!plugin.provisioning.includes('always')) await addOurs(ctx, plugin, p)
  return settled(ctx, p, ({ state }) => state !== 'creating')
}

/** Takes a tool from an instance, and waits a while for it to be gone; twice is fine. */
export async function destroyTool(
  ctx: Context,
  p: { instanceId: string; toolId: string; resourceId: string; claimId?: string | undefined },
): Promise<ProvisionToolReply> {
  const plugin = knownTool(ctx, p.toolId)
  if (plugin.provisioning.includes('always'))
    throw new Problem({ status: 409, code: 'TOOL_REQUIRED', detail: `no instance is without ${plugin.name}` })
  const named = (await readTools(ctx.db, [p.instanceId])).findLast(
    ({ toolId, position, resourceId }) =>
      toolId === p.toolId && position === 0 && (p.resourceId === ANY_RESOURCE || resourceId === p.resourceId),
  )
  if (!named)
    throw new Problem({ status: 404, code: 'RESOURCE_UNKNOWN', detail: `instance ${p.instanceId} has no such ${p.toolId}` })
  // one that the instance got since is another one
  const { instanceId, toolId, generation } = named
  if (isLive(named.state)) {
    await withTransaction(ctx.db, async (tx) => {
      refuseForeign(await lockInstance(tx, instanceId), p.claimId)
      await wishToolAway(tx, { instanceId, toolId, generation })
      await makeUrgent(tx, instanceId)
    })
    ctx.wished(instanceId)
  }
  return settled(ctx, { instanceId, toolId, generation }, ({ state }) => state === 'destroyed' || state === 'retained')
}

/** Asks the provider whether a claimer's credentials work. */
export async function validateUserConfig(
  ctx: Context,
  toolId: string,
  userConfig: unknown,
): Promise<{ envVars: Record<string, string> }> {
  const { userConfig: wanted, available, name } = knownTool(ctx, toolId)
  if (!wanted || !available)
    throw new Problem({ status: 409, code: 'TOOL_UNAVAILABLE', detail: `${name} takes no claimer's own credentials here` })
  const rejected = (errors: { path: string; message: string }[], cause: unknown) =>
    new Problem({ status: 422, code: 'USER_CONFIG_REJECTED', detail: `${name} does not accept these credentials`, errors, cause })
  const parsed = wanted.schema.safeParse(userConfig)
  if (!parsed.success)
    throw rejected(
      parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
      undefined,
    )
  try {
    return await wanted.validate(parsed.data)
  } catch (err) {
    throw err instanceof UserConfigRejected ? rejected(err.errors, err) : asProblem(err)
  }
}

/** Changes what a live tool is set to, e.g. its credit limit. */
export async function updateTool(
  ctx: Context,
  p: { instanceId: string; toolId: string; change: unknown },
): Promise<ProvisionToolReply> {
  const { update, name } = knownTool(ctx, p.toolId)
  if (!update) throw new Problem({ status: 409, code: 'NOT_SUPPORTED', detail: `nothing about ${name} can be changed` })
  const change = parseRequest(update.schema, p.change)
  const row = await readUsage(ctx.db, p)
  if (!row?.resourceId)
    throw new Problem({ status: 409, code: 'TOOL_NOT_ACTIVE', detail: `instance ${p.instanceId} has no active ${p.toolId}` })
  const { config } = await update.apply({ resourceId: row.resourceId, change }).catch((err: unknown) => {
    throw asProblem(err)
  })
  await recordConfig(ctx.db, { id: row.id, config })
  return toolOf(ctx, p)
}

/** A tool with what was used of it: measured at most every five minutes, by whoever asks first, and stored. */
export async function measuredTool(ctx: Context, p: { instanceId: string; toolId: string }): Promise<ToolReply> {
  return { ...(await toolOf(ctx, p)), usage: await toolUsage(ctx, p.instanceId, p.toolId) }
}

export async function toolUsage(ctx: Context, instanceId: string, toolId: string): Promise<ToolReply['usage']> {
  const { usage: measure } = knownTool(ctx, toolId)
  let row = await readUsage(ctx.db, { instanceId, toolId })
  if (measure && row?.resourceId && (await claimUsage(ctx.db, { id: row.id, everyMs: USAGE_EVERY }))) {
    try {
      await recordUsage(ctx.db, { id: row.id, usage: await measure(row.resourceId) })
      row = await readUsage(ctx.db, { instanceId, toolId })
    } catch (err) {
      ctx.log.warn({ err, instanceId, toolId }, 'the usage could not be measured; the older sample stands')
    }
  }
  return row?.usage && row.usageAt ? { at: row.usageAt.toISOString(), sample: row.usage } : null
}

async function addOurs(ctx: Context, plugin: ToolPlugin, p: ToolRequest): Promise<void> {
  const { toolId, resources, available, provisioning, name } = plugin
  await withTransaction(ctx.db, async (tx) => {
    const instance = await lockInstance(tx, p.instanceId)
    if (!instance) throw instanceGoing(p.instanceId)
    refuseForeign(instance, p.claimId)
    const live = (await readTools(tx, [p.instanceId])).filter((row) => row.toolId === toolId && isLive(row.state))
    refuseOther(live, { users: false, claimId: p.claimId }, plugin)
    const retried = live.length > 0 && (await retryFailed(tx, p))
    if (live.length === 0) {
      if (!available || !provisioning.includes('pool'))
        throw new Problem({ status: 409, code: 'TOOL_UNAVAILABLE', detail: `${name} is not available here` })
      if (p.quota) keepTo(p.quota, await countSelfProvisioned(tx, { ...p, perMs: p.quota.perMs }), plugin)
      await addResources(tx, { ...p, kinds: resources.map(({ kind }) => kind) })
    }
    // an instance that asks for what is being made does not wear down a provider's patience
    if (live.length === 0 || retried || p.requestedBy === 'pool') await makeUrgent(tx, p.instanceId)
  })
  ctx.wished(p.instanceId)
}

function keepTo(
  { max }: { max: number },
  { count, oldestLeavesMs }: { count: number; oldestLeavesMs: number },
  { name }: ToolPlugin,
) {
  if (count < max) return
  throw new Problem({
    status: 429,
    code: 'QUOTA',
    detail: `${name} was provisioned ${count} times already; it can be again later`,
    headers: { 'Retry-After': String(Math.ceil(oldestLeavesMs / 1000)) },
  })
}

async function addUsersOwn(ctx: Context, plugin: ToolPlugin, p: ToolRequest): Promise<void> {
  const { envVars } = await validateUserConfig(ctx, p.toolId, p.userConfig)
  const id = randomUUID()
  const secret = ctx.vault.seal(JSON.stringify(envVars), placeOfSecret({ id }))
  await withTransaction(ctx.db, async (tx) => {
    const instance = await lockInstance(tx, p.instanceId)
    if (!instance) throw instanceGoing(p.instanceId)
    refuseForeign(instance, p.claimId)
    const live = (await readTools(tx, [p.instanceId])).filter((row) => row.toolId === p.toolId && isLive(row.state))
    refuseOther(live, { users: true, claimId: p.claimId }, plugin)
    const [known] = live
    if (known && isDeepStrictEqual(envOf(ctx, known), envVars)) return
    if (known)
      throw new Problem({ status: 409, code: 'TOOL_EXISTS', detail: `it has ${plugin.name} already, with other credentials` })
    await addUserProvided(tx, { ...p, id, secret })
    await makeUrgent(tx, p.instanceId)
  })
  ctx.wished(p.instanceId)
}

/** A pool with an older database may take somebody's agent for free: its tools are not that pool's to give or to take. */
function refuseForeign(instance: { claimId: string | null } | null, claimId: string | undefined): void {
  if (claimId === undefined || !instance || instance.claimId === null || instance.claimId === claimId) return
  throw foreignClaim()
}

/** What it has must go first: two of a kind would give it the same variables, and what another claim brought is for nobody else. */
function refuseOther(
  live: ToolRow[],
  { users, claimId }: { users: boolean; claimId: string | undefined },
  { name }: ToolPlugin,
): void {
  if (live.some(({ state }) => state === 'destroying'))
    throw new Problem({ status: 409, code: 'TOOL_GOING', detail: `the ${name} it had is still being removed` })
  if (live.some(({ kind }) => (kind === 'user') !== users))
    throw new Problem({ status: 409, code: 'TOOL_EXISTS', detail: `it has ${name} already, provided in another way` })
  if (claimId !== undefined && !live.every((row) => isFor(claimId, row)))
    throw new Problem({ status: 409, code: 'TOOL_EXISTS', detail: `it has ${name} already, of another claim` })
}

interface OneTool {
  instanceId: string
  toolId: string
  /** Absent: the latest. */
  generation?: number
}

/** Waits until the tool is where it is wanted, or time is up; then it goes on by itself. */
async function settled(ctx: Context, p: OneTool, over: (tool: ProvisionToolReply) => boolean): Promise<ProvisionToolReply> {
  const deadline = new Deadline(TOOL_WAIT)
  for (;;) {
    const tool = await toolOf(ctx, p)
    if (over(tool) || deadline.passed) return tool
    await ctx.changed.wait(TOOL_POLL_EVERY, deadline.signal)
  }
}

async function toolOf(ctx: Context, p: OneTool): Promise<ProvisionToolReply> {
  const rows = (await readTools(ctx.db, [p.instanceId])).filter(
    ({ toolId, generation }) => toolId === p.toolId && generation === (p.generation ?? generation),
  )
  const tool = presentTool(rows)
  if (!tool) throw new Problem({ status: 404, code: 'RESOURCE_UNKNOWN', detail: `instance ${p.instanceId} has no ${p.toolId}` })
  return tool
}

function knownTool({ tools }: Context, toolId: string): ToolPlugin {
  const plugin = tools.getByToolId(toolId)
  if (!plugin) throw new Problem({ status: 404, code: 'TOOL_UNKNOWN', detail: `there is no tool "${toolId}"` })
  return plugin
}

const instanceGoing = (instanceId: string) =>
  new Problem({ status: 409, code: 'INSTANCE_NOT_RUNNING', detail: `instance ${instanceId} is being destroyed` })

async function presentInstance(ctx: Context, instanceId: string): Promise<void> {
  if ((await knownInstance(ctx, instanceId)).wish !== 'present') throw instanceGoing(instanceId)
}
