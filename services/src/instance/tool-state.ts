import type { ProvisionToolReply, ToolState } from '../contract/index.ts'
import { isLive, type LedgerState, type ToolRow } from '../db/tools.ts'

/** Of a tool's resources the one that is furthest from well says how the tool is. */
const WORST_FIRST: LedgerState[] = ['failed', 'destroying', 'creating', 'active', 'user_provided', 'retained', 'destroyed']

/** The tools of an instance, each with the state of all it is made of; of one that it had several times the latest. */
export function toolStates(rows: ToolRow[]): ToolState[] {
  return [...Map.groupBy(rows, ({ toolId }) => toolId).values()].flatMap((ofTool) => {
    const tool = presentTool(ofTool)
    return tool ? [{ toolId: tool.toolId, resourceId: tool.resourceId, state: tool.state }] : []
  })
}

/** One tool, by all rows that an instance ever had of it. */
export function presentTool(rows: ToolRow[]): ProvisionToolReply | null {
  const latest = Math.max(...rows.map(({ generation }) => generation))
  const parts = rows.filter(({ generation }) => generation === latest)
  const [first] = parts.toSorted((a, b) => a.position - b.position)
  if (!first) return null
  const states = parts.map(({ state }) => state)
  const state = WORST_FIRST.find((candidate) => states.includes(candidate)) ?? first.state
  const whole = state === 'active' || state === 'user_provided' || !isLive(state) || state === 'destroying'
  return {
    toolId: first.toolId,
    // not told before all of it is there
    resourceId: whole ? first.resourceId : null,
    config: Object.assign({}, ...parts.map(({ config }) => config)) as Record<string, unknown>,
    state,
    error: parts.find(({ error }) => error !== null)?.error ?? null,
  }
}
