/** From the version that ran before to this one, while it is used: old and new work on the same databases meanwhile. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deploy, type Deployment } from './support/deployment.ts'
import { installPrevious, type Version } from './support/previous.ts'
import { STOCK, underLoad } from './support/under-load.ts'
import { query, useWorld } from './support/world.ts'

const world = useWorld()
let previous: Version
let deployment: Deployment
let databases: { pool: string; services: string }
beforeAll(async () => {
  previous = await installPrevious()
  const stack = await world.create('dev', STOCK)
  databases = stack.databases
  deployment = await deploy(stack, previous.root)
}, 240_000)
afterAll(async () => {
  await deployment?.close()
  await previous?.remove()
})

const migrations = async () =>
  (
    await Promise.all(Object.values(databases).map((url) => query<{ name: string }>(url, 'select name from schema_migrations')))
  ).map(({ length }) => length)

test('replica by replica under ten claims a second: none fails, none is doubled', async () => {
  const before = await migrations()
  await underLoad(deployment, () => deployment.upgrade())
  const after = await migrations()
  console.log(`from ${previous.name}; migrations of pool and services: ${before.join(', ')} → ${after.join(', ')}`)
  expect(after.every((count, n) => count >= (before[n] ?? 0))).toBe(true)
})
