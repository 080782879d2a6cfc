import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { scoped } from '@convos/sandbox/testing'
import { generateSource } from 'oazapfts'
import { expect, test } from 'vitest'
import { seedReady, testPool } from './harness.ts'

const POOL = fileURLToPath(new URL('..', import.meta.url))
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

/** What somebody writes with a generated client: claim, look, drain, follow. Where it must not compile it says so. */
const PROGRAM = `
import { setTimeout as sleep } from 'node:timers/promises'
import { ok } from '@oazapfts/runtime'
import { claim, defaults, drain, getOperation, listInstances } from './api.ts'

export async function main(baseUrl: string, key: string): Promise<string[]> {
  Object.assign(defaults, { baseUrl, headers: { authorization: 'Bearer ' + key } })
  const { instanceId, status } = await ok(claim({ agentName: 'Planner', waitMs: 1000 }, { idempotencyKey: 'once' }))
  if (status !== 'done') throw new Error('no agent yet')

  const { instances } = await ok(listInstances({ status: ['ready', 'claimed'], sort: 'claimedAt', limit: 10 }))
  const statuses = instances.map(({ id, status }) => (id === instanceId ? 'mine:' : 'other:') + status)

  let operation = await ok(drain({ all: true, refill: true }))
  while (operation.state === 'running') {
    await sleep(20)
    operation = await ok(getOperation(operation.id))
  }
  return [...statuses, operation.state + ' ' + operation.done]
}

export const mistakes = [
  // @ts-expect-error a field that a claim does not have
  () => claim({ agentname: 'Planner' }),
  // @ts-expect-error a status that there is not
  () => listInstances({ status: 'broken' }),
  // @ts-expect-error an operation is asked for by its id
  () => getOperation(),
  // @ts-expect-error a field that its answer does not have
  async () => (await ok(claim())).agentId,
]
`
// as strict as we are, but for what the generator's own library is not made for
const TSCONFIG = {
  extends: '../../../tsconfig.base.json',
  compilerOptions: { exactOptionalPropertyTypes: false },
  include: ['*.ts'],
}

test('a client that is generated from the description type-checks, and does what its types say', async () => {
  const pool = scoped(await testPool())
  await mkdir(join(POOL, '.artifacts'), { recursive: true })
  const folder = await mkdtemp(join(POOL, '.artifacts', 'client-'))
  try {
    await writeFile(join(folder, 'api.ts'), await generateSource(`${pool.url}/openapi.json`, { useUnknown: true }))
    await writeFile(join(folder, 'program.ts'), PROGRAM)
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG))
    const checked = await promisify(execFile)(process.execPath, [TSC, '-p', folder]).catch((err: { stdout: string }) => err)
    expect(checked.stdout).toBe('')

    await seedReady(pool, 2)
    const program = (await import(pathToFileURL(join(folder, 'program.ts')).href)) as {
      main(url: string, key: string): Promise<string[]>
    }
    expect(await program.main(pool.url, pool.key)).toEqual(['mine:claimed', 'other:ready', 'done 1'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
