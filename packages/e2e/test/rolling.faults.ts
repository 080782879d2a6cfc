/** Replicas that are restarted while they are used, as every deployment does it. */
import { afterAll, beforeAll, test } from 'vitest'
import { deploy, type Deployment } from './support/deployment.ts'
import { STOCK, underLoad } from './support/under-load.ts'
import { useWorld } from './support/world.ts'

const world = useWorld()
let deployment: Deployment
beforeAll(async () => {
  deployment = await deploy(await world.create('dev', STOCK))
}, 120_000)
afterAll(() => deployment.close())

test('two replicas of each part are restarted one after the other under ten claims a second: none fails, none is doubled', () =>
  underLoad(deployment, () => deployment.restart()))
