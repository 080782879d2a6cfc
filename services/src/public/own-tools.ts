import type { OwnTools } from '../contract/index.ts'
import type { Caller } from '../db/callers.ts'
import { isLive, type LedgerState, type ToolRow } from '../db/tools.ts'
import { presentTool } from '../instance/tool-state.ts'
import { SELF_PROVISION } from '../limits.ts'
import type { ToolPlugin } from '../registry.ts'

/** What an instance may get for itself, if its template allows it; the rest it gets from us, or from its claimer. */
const SELF_PROVISIONED: readonly string[] = ['email', 'sms', 'crypto']

/** Whether this tool is the instance's own affair. */
export const mayUse = ({ allowedTools }: Pick<Caller, 'allowedTools'>, toolId: string): boolean =>
  SELF_PROVISIONED.includes(toolId) && allowedTools.includes(toolId)

type OwnTool = OwnTools['tools'][number]

interface Had {
  /** Of every tool that it has or had. */
  rows: readonly ToolRow[]
  /** How many of a tool it asked for lately, by itself. */
  requests: ReadonlyMap<string, number>
}

/** The tools that an instance has, and those it may get. */
export function ownTools(caller: Caller, plugins: readonly ToolPlugin[], { rows, requests }: Had): OwnTool[] {
  return plugins.flatMap(({ toolId, name, available }): OwnTool[] => {
    const latest = presentTool(rows.filter((row) => row.toolId === toolId))
    const had = latest && isLive(latest.state as LedgerState) ? latest : null
    const mayAsk = mayUse(caller, toolId) && available
    if (had) {
      const { resourceId, state, config } = had
      return [{ toolId, name, resourceId, state, allowed: mayAsk && state === 'failed', config }]
    }
    const allowed = (requests.get(toolId) ?? 0) < SELF_PROVISION.max
    return mayAsk ? [{ toolId, name, resourceId: null, state: 'none', allowed, config: {} }] : []
  })
}
