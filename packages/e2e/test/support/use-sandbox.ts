import { afterAll, beforeAll } from 'vitest'
import { controlClient, type ControlClient } from './control.ts'
import { poolClient, type PoolClient } from './pool.ts'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'

interface TestBed {
  sandbox: RunningSandbox
  pool: PoolClient
  control: ControlClient
}

/** One sandbox for all tests of a file, with clients for its pool and its controls. */
export function useSandbox(options: { idle: number }): TestBed {
  const bed = {} as TestBed
  beforeAll(async () => {
    const sandbox = await startSandbox(options)
    Object.assign(bed, { sandbox, pool: poolClient(sandbox), control: controlClient(sandbox) })
  }, 120_000)
  afterAll(async () => {
    await bed.sandbox.interrupt()
    await bed.sandbox.forget()
  }, 30_000)
  return bed
}
