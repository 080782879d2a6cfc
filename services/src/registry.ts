import type { z } from 'zod'

/** A tool that instances can have: one file per tool and one `register` line make it known everywhere. */
export interface ToolPlugin {
  toolId: string
  name: string
  /** `always`: every instance gets it at creation; `pool`: at a claim, by us; `user`: with the claimer's own credentials. */
  provisioning: ('always' | 'pool' | 'user')[]
  /** False while its provider is not configured. */
  available: boolean
  /** What it is made of, in the order it is made and against the order it is undone. The first one's id is the tool's. */
  resources: readonly [ResourceKind, ...ResourceKind[]]
  /** Changes a live one, e.g. its credit limit; twice is the same. Absent: nothing can be changed. */
  update?: UpdateVerb
  /** What was used of it so far; asked rarely, and kept. */
  usage?(resourceId: string): Promise<Record<string, unknown>>
  /** What a claimer who brings credentials must give. Absent: they cannot. */
  userConfig?: {
    schema: z.ZodType
    /** Asks the provider whether they work. @throws UserConfigRejected when it says that they do not */
    validate(userConfig: unknown): Promise<{ envVars: Record<string, string> }>
  }
}

interface UpdateVerb {
  schema: z.ZodType
  apply(p: { resourceId: string; change: unknown }): Promise<{ config: Record<string, unknown> }>
}

/** One kind of thing at a provider; each has a ledger row of its own, written before `create`. */
export interface ResourceKind {
  /** Unique within its tool. */
  kind: string
  /** The names of what it may give to its instance. */
  variables: readonly string[]
  /**
   * What a repeated `create` does. `same`: the provider gives the same thing for the same key. `look`: `create` looks for what an earlier one
   * made, which shows only once lists have caught up. `replace`: what an earlier one made is of no use, as its secret was told once; it is
   * destroyed before another is made.
   */
  repeat: 'same' | 'look' | 'replace'
  /**
   * Makes one. May throw `NotYet` while the provider is still at it: nothing is uncertain then, and it is called again.
   * @throws ProviderError
   */
  create(p: ResourceRequest): Promise<CreatedResource>
  /** Ids of what carries this key at the provider, half-made things included. It may have to make what it finds, but nothing that costs. */
  find(key: string): Promise<string[]>
  /** "Gone already" is success. May throw `NotYet`. */
  destroy(resourceId: string): Promise<void>
  /** Everything of this kind that is ours by its key; null where the provider's list tells no keys. */
  list: (() => Promise<ListedResource[]>) | null
  /** What stays in the ledger after `destroy`: its secret for so many ms, or for ever the fact that it cannot be deleted. Absent: nothing. */
  retained?: { secretForMs: number } | 'resource'
}

export interface ResourceRequest {
  instanceId: string
  /** Says at the provider whose it is: a marker of ours, in which `:` separates the parts. Providers that take no colon get another one. */
  key: string
  /** Ids of the tool's resources that were made before, by kind. */
  made: Record<string, string>
}

export interface CreatedResource {
  resourceId: string
  /** Nothing secret. */
  config: Record<string, unknown>
  /** What the instance receives. */
  envVars: Record<string, string>
}

export interface ListedResource {
  resourceId: string
  /** As it was given to `create`. */
  key: string
  createdAt: Date | null
}

/** The provider itself refused the claimer's credentials. */
export class UserConfigRejected extends Error {
  override name = 'UserConfigRejected'
  readonly errors: { path: string; message: string }[]
  constructor(errors: { path: string; message: string }[]) {
    super('the provider refused the credentials')
    this.errors = errors
  }
}

export interface Registry {
  register(plugin: ToolPlugin): void
  getAll(): ToolPlugin[]
  getByToolId(toolId: string): ToolPlugin | null
}

export function createRegistry(): Registry {
  const plugins = new Map<string, ToolPlugin>()
  return {
    register(plugin) {
      if (plugins.has(plugin.toolId)) throw new Error(`tool "${plugin.toolId}" is registered twice`)
      plugins.set(plugin.toolId, plugin)
    },
    getAll: () => [...plugins.values()],
    getByToolId: (toolId) => plugins.get(toolId) ?? null,
  }
}
