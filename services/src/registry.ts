/** A tool that instances can have: one file per tool and one `register` line make it known everywhere. */
export interface ToolPlugin {
  toolId: string
  name: string
  /** `always`: every instance gets it at creation; `pool`: at a claim, by us; `user`: with the claimer's own credentials. */
  provisioning: ('always' | 'pool' | 'user')[]
  /** False while its provider is not configured. */
  available: boolean
  /** Not idempotent; `marker` names the resource, so that one whose answer was lost can be found. */
  create(p: { instanceId: string; marker: string }): Promise<CreatedResource>
  /** Null when nothing exists outside our ledger; its secret is kept for a while after the instance is gone. */
  external: {
    /** Everything of this kind at the provider. */
    list(): Promise<{ resourceId: string; name: string }[]>
    /** "Gone already" is success. */
    destroy(resourceId: string): Promise<void>
  } | null
}

interface CreatedResource {
  resourceId: string
  /** Nothing secret. */
  config: Record<string, unknown>
  /** What the instance receives. */
  envVars: Record<string, string>
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
