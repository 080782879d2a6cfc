import { prepareRuntime } from '@convos/sandbox'

/** A gateway that cannot be installed is a failure, not a reason to test less. */
export default async function setup(): Promise<void> {
  await prepareRuntime((text) => console.log(`  ${text}`))
}
