/** Ctrl-C and the second start, as a newcomer meets them. */
import { readdir, readFile } from 'node:fs/promises'
import { afterAll, expect, test } from 'vitest'
import { controlClient } from './support/control.ts'
import { joinAsPerson } from './support/person.ts'
import { poolClient } from './support/pool.ts'
import { type RunningSandbox, startSandbox } from '@convos/sandbox/testing'

let sandbox: RunningSandbox
afterAll(() => sandbox.forget())

/** Processes whose command line or environment names this sandbox's data. */
async function processesOn(dataDir: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const texts = await Promise.all(
    pids.map(async (pid) =>
      (await Promise.all(['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')))).join(
        '\0',
      ),
    ),
  )
  return texts.filter((text) => text.includes(dataDir))
}

test('Ctrl-C leaves no process; the next start knows yesterday’s agent, which answers once', async () => {
  sandbox = await startSandbox({ idle: 1 })
  const claim = poolClient(sandbox).claimed(
    await poolClient(sandbox).claim({ agentName: 'Keeper', instructions: 'You are a keeper of lighthouses.' }),
  )
  const before = await joinAsPerson(claim.inviteUrl ?? '', 'Ada')
  await before.say('hello')
  await before.hears(/keeper of lighthouses/i)
  const heard = (await before.heard()).length
  expect(await processesOn(sandbox.dataDir)).not.toEqual([])

  const stopMs = await sandbox.interrupt()
  expect(await processesOn(sandbox.dataDir)).toEqual([])

  const again = await startSandbox({ idle: 1, dataDir: sandbox.dataDir })
  try {
    const { claimed } = await poolClient(again).agents()
    expect(claimed.map((agent) => agent.id)).toEqual([claim.instanceId])
    expect((await before.heard()).length).toBe(heard)
    await before.say('are you still there?')
    await before.hears(/still there/)
    expect((await before.heard()).length).toBe(heard + 1)
    const { railway } = await controlClient(again).resources()
    expect(railway.projects.find((project) => project.instanceId === claim.instanceId)?.deployments).toHaveLength(1)
  } finally {
    await again.interrupt()
  }
  console.log(
    `first start ${Math.round(sandbox.startMs)} ms, stop ${Math.round(stopMs)} ms, second start ${Math.round(again.startMs)} ms`,
  )
}, 120_000)
