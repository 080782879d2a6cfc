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
    if (!tool) throw new Error(`instance ${instanceId} has a "${toolId}", which this service does not know`)
    return toolStep(tool)
  })
  return [...steps, project]
}
