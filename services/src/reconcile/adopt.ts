import { randomUUID } from 'node:crypto'
import type { Health } from '@convos/agent-server/contract'
import { type Deadline, HttpError, withTransaction } from '@convos/kit'
import type { Context } from '../context.ts'
import type { Finding } from '../contract/index.ts'
import { tokenHash } from '../crypto.ts'
import {
  type AdoptedInstance,
  type AdoptedResource,
  insertAdopted,
  insertAdoptedCreation,
  insertAdoptedResource,
  noteAdopted,
} from '../db/adopt.ts'
import { readAccess } from '../db/instances.ts'
import { ProviderError } from '../infra/errors.ts'
import type { Place } from '../infra/provider.ts'
import { INSTANCE_PORT, MOUNT_PATH } from '../instance/desired.ts'
import { resourceStep } from '../instance/tools.ts'
import { keyOf } from '../naming.ts'
import type { ToolPlugin } from '../registry.ts'
import { askInstance } from './ask.ts'
import { type Identity, identityOf, NotAdoptable, type SalvagedResource, salvageTools, type Shown } from './salvage.ts'
import { type Listed, type Listing, nameOf } from './sources.ts'

interface AdoptRequest {
  instanceId: string
  listings: readonly Listing[]
  dryRun: boolean
  deadline: Deadline
}

/** Takes an instance back that runs with our marker but has no row, e.g. because it is younger than the backup that was restored. */
export async function adopt(ctx: Context, request: AdoptRequest): Promise<Finding> {
  const { instanceId, listings, dryRun } = request
  const seen = placesOf(request)
  const [place] = seen
  const finding = (action: 'adopt' | 'refuse', reason: string): Finding => ({
    provider: ctx.infra.name,
    resourceId: place?.resourceId ?? '',
    instanceId,
    kind: 'adopted',
    action,
    reason,
    createdAt: place?.createdAt?.toISOString() ?? null,
  })
  try {
    if (request.deadline.passed) throw new NotAdoptable('there was no time left for it in this pass: ask again')
    if (await readAccess(ctx.db, instanceId)) throw new NotAdoptable('the ledger has a row of it, which is never overwritten')
    const lost = await examine(ctx, instanceId, { seen, listings })
    if (!dryRun) await writeDown(ctx, lost)
    return finding('adopt', reasonOf(lost))
  } catch (err) {
    if (err instanceof NotAdoptable) return finding('refuse', err.message)
    if (err instanceof ProviderError) return finding('refuse', `the provider could not be asked: ${err.message}`)
    throw err
  }
}

const placesOf = ({ instanceId, listings: [places] }: AdoptRequest): Listed[] =>
  places?.listed?.filter((listed) => listed.instanceId === instanceId) ?? []

interface Lost {
  instanceId: string
  listed: Listed
  place: Place
  name: string
  createdAt: Date
  identity: Identity
  url: string
  health: Health
  tools: SalvagedResource[]
}

/** Everything about it, changing nothing. */
async function examine(ctx: Context, instanceId: string, p: { seen: Listed[]; listings: readonly Listing[] }): Promise<Lost> {
  const unlisted = p.listings.filter(({ listed }) => listed === null).map(({ source }) => source.provider)
  if (unlisted.length > 0) throw new NotAdoptable(`what it has cannot be told while ${unlisted.join(', ')} cannot be listed`)
  const [listed, second] = p.seen
  if (!listed?.place) throw new NotAdoptable('no place at the provider carries its marker')
  if (second)
    throw new NotAdoptable(`more than one place carries its marker: ${p.seen.map(({ resourceId }) => resourceId).join(', ')}`)

  const { name, createdAt } = listed.place
  const place = await wholePlace(ctx, instanceId, listed.place)
  const identity = identityOf(instanceId, await ctx.infra.inspect(place))
  const url = ctx.config.instance.urlTemplate.replace('{domain}', identity.domain)
  const health = await answerOf(url, identity)
  const plugins = ctx.tools.getAll().filter(({ available }) => available)
  const tools = salvageTools(plugins, await shownOf(ctx, instanceId, plugins, p.listings.slice(1)), identity.env)
  return { instanceId, listed, place, name, createdAt, identity, url, health, tools }
}

/** The list may tell less than the ledger needs: the rest is looked for as an interrupted creation would look. */
async function wholePlace(ctx: Context, instanceId: string, listed: NonNullable<Listed['place']>): Promise<Place> {
  let place = listed.ids
  const request = {
    instanceId,
    name: listed.name,
    marker: ctx.marker(instanceId),
    since: listed.createdAt,
    port: INSTANCE_PORT,
    mountPath: MOUNT_PATH,
  }
  for (const step of ctx.infra.ensure) {
    if (step.yields.every((id) => place[id] !== undefined)) continue
    const found = await step.find({ ...request, place })
    if (!found) throw new NotAdoptable(`it has no ${step.name}: its creation never ended`)
    place = { ...place, ...found }
  }
  return place
}

/** What there is of its tools. Where a list shows one part of a tool, those that no list shows are looked for by their key. */
async function shownOf(ctx: Context, instanceId: string, plugins: ToolPlugin[], listings: readonly Listing[]): Promise<Shown> {
  const shown = new Map(
    listings.map(({ source, listed }) => [source.provider, (listed ?? []).filter((thing) => thing.instanceId === instanceId)]),
  )
  const parts = new Map<string, { resourceId: string; generation: number }[]>(shown)
  for (const { toolId, resources } of plugins) {
    const generations = resources.flatMap(({ kind }) => shown.get(nameOf(toolId, kind)) ?? []).map(({ generation }) => generation)
    if (generations.length === 0) continue
    const generation = Math.max(...generations)
    for (const { kind, find } of resources.filter((resource) => !shown.has(nameOf(toolId, resource.kind)))) {
      const found = await find(keyOf(ctx.marker(instanceId), generation))
      parts.set(
        nameOf(toolId, kind),
        found.map((resourceId) => ({ resourceId, generation })),
      )
    }
  }
  return parts
}

async function answerOf(url: string, { controlToken }: Identity): Promise<Health> {
  try {
    return await askInstance({ url, controlToken })
  } catch (err) {
    if (!(err instanceof HttpError)) throw err
    throw new NotAdoptable(`it does not answer its own control token: ${err.message}`)
  }
}

/** All rows or none. */
async function writeDown(ctx: Context, lost: Lost): Promise<void> {
  const written = await withTransaction(ctx.db, async (tx) => {
    if (!(await insertAdopted(tx, instanceRow(ctx, lost)))) return false
    for (const { envVars, ...resource } of lost.tools) {
      const id = randomUUID()
      const secret = envVars === null ? null : ctx.vault.seal(JSON.stringify(envVars), `instance_services/${id}/secret`)
      const row = { ...resource, id, instanceId: lost.instanceId, secret }
      await insertAdoptedResource(tx, row)
      if (row.resourceId === null) await insertAdoptedCreation(tx, { ...lost, step: stepOf(ctx, row) })
    }
    await noteAdopted(tx, lost.instanceId)
    return true
  })
  if (!written) throw new NotAdoptable('the ledger has a row of it, or of its place, which is never overwritten')
  ctx.changed.notify()
  ctx.work.notify()
  ctx.log.warn({ instanceId: lost.instanceId, tools: lost.tools.map(({ toolId }) => toolId) }, 'an instance was taken back')
}

/** How the runner calls what makes and undoes it. */
const stepOf = ({ tools }: Context, row: AdoptedResource): string =>
  resourceStep(tools.getByToolId(row.toolId), { ...row, state: 'creating', delivered: false, claimId: null, error: null }).name

function instanceRow(ctx: Context, { instanceId, identity, health, tools, place, url, name, createdAt }: Lost): AdoptedInstance {
  const seal = (column: string, text: string) => ctx.vault.seal(text, `instance_infra/${instanceId}/${column}`)
  const { image, deploymentId, env, gatewayToken, controlToken, servicesToken } = identity
  return {
    instanceId,
    createdAt,
    projectName: name,
    place,
    image,
    url,
    deploymentId,
    desiredEnv: seal('desired_env', JSON.stringify(env)),
    gatewayToken: seal('gateway_token', gatewayToken),
    controlToken: seal('control_token', controlToken),
    servicesToken: seal('services_token', servicesToken),
    servicesTokenHash: tokenHash(servicesToken),
    claimId: health.claimId,
    // what its template allows is not known here: it keeps what it has
    allowedTools: optionalTools(ctx, tools),
    health,
    due: tools.some(({ resourceId }) => resourceId === null),
  }
}

const optionalTools = (ctx: Context, tools: SalvagedResource[]): string[] => [
  ...new Set(
    tools.map(({ toolId }) => toolId).filter((toolId) => !ctx.tools.getByToolId(toolId)?.provisioning.includes('always')),
  ),
]

function reasonOf({ health, tools }: Lost): string {
  const whose =
    health.claimId === null ? 'it answers, and is bound to no claim' : `it answers, and is bound to claim ${health.claimId}`
  const names = [...new Set(tools.map(({ toolId }) => toolId))]
  return `${whose}; ${names.length === 0 ? 'no tools were found' : `its tools: ${names.join(', ')}`}`
}
