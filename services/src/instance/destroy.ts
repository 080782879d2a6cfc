import { isLive, readTools } from '../db/tools.ts'
import type { Context } from '../context.ts'
import { project } from './project.ts'
import type { InstanceStep } from './run.ts'
import { toolStep } from './tools.ts'

/** The steps that unwind an instance: what its ledger names, the project last. */
export async function unwindingSteps({ db, tools }: Context, instanceId: string): Promise<InstanceStep[]> {
  const ledger = (await readTools(db, [instanceId])).filter((row) => isLive(row.state))
  const steps = ledger.map(({ toolId }) => {
    const tool = tools.getByToolId(toolId)
    return tool ? toolStep(tool) : unknownTool(toolId)
  })
  return [...steps, project]
}

/** Another version's tool cannot be undone here, which keeps nothing else alive. */
function unknownTool(toolId: string): InstanceStep {
  const refuse = () => Promise.reject(new Error(`this version of services does not know the tool "${toolId}"`))
  return { name: toolId, do: { look: refuse, act: refuse }, undo: { look: refuse, act: refuse } }
}
