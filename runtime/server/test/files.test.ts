import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { scoped, temporaryFolder } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { writeState } from '../src/state/files.ts'

test('where a state does not fit any more, the one before it stays', async () => {
  const folder = scoped(temporaryFolder('agent-files')).path
  const file = join(folder, 'state.json')
  writeState(file, 'before')
  const write = `
    const { writeState } = await import(${JSON.stringify(new URL('../src/state/files.ts', import.meta.url))})
    writeState(${JSON.stringify(file)}, 'x'.repeat(100_000))`
  // no file may grow beyond 8 KiB: like a disk that is full, it takes the beginning of a write
  const limited = ['-c', `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1"`, process.execPath, write]
  await expect(promisify(execFile)('bash', limited)).rejects.toMatchObject({ stderr: expect.stringContaining('EFBIG') as string })
  expect(await readFile(file, 'utf8')).toBe('"before"')
})
