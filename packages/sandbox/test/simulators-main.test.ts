import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { networkInterfaces, tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { scoped, temporaryFolder } from '../src/testing/index.ts'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../src/ports.ts'
import { processHost } from '../src/simulators/railway/hosts/process.ts'

const MAIN = fileURLToPath(new URL('../src/simulators/main.ts', import.meta.url))

test('the simulators alone are reached by the name that they are given, and end when they are told to', async () => {
  const data = scoped(temporaryFolder('simulators')).path
  const port = await freePort()
  const child = spawn(process.execPath, [MAIN, '--port', String(port), '--hostname', 'localhost', '--data', data])
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line')
  expect(line).toContain(`http://localhost:${port}`)
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).filter(({ family }) => family === 'IPv4'))
  for (const { address } of addresses) expect((await fetch(`http://${address}:${port}/_control/resources`)).ok).toBe(true)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
}, 60_000)

test('so are the instances beside them', async () => {
  const host = processHost({ dataDir: tmpdir(), hostname: 'sandbox.localhost' })
  expect(await host.allot(new Set())).toMatch(/^sandbox\.localhost:\d+$/)
})
