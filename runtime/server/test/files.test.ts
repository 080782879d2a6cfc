import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { writeState } from '../src/state/files.ts'

test('where a state does not fit any more, the one before it stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'agent-files-'))
  onTestFinished(() => rm(folder, { recursive: true }))
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
