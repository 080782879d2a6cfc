import type { Context } from '../context.ts'
import { isLive, readTools } from '../db/tools.ts'
import { placeSteps } from './place.ts'
import type { InstanceStep } from './run.ts'
import { resourceStep } from './tools.ts'

/** The steps that unwind an instance: what its ledger names, against the order it was made in, its place last. */
export async function unwindingSteps({ db, tools, infra }: Context, instanceId: string): Promise<InstanceStep[]> {
  const ledger = (await readTools(db, [instanceId])).filter((row) => isLive(row.state))
  return [...ledger.toReversed().map((row) => resourceStep(tools.getByToolId(row.toolId), row)), placeSteps(infra)[0]]
}
