import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { StateLog } from '../src/state/log.ts'

const file = join(tmpdir(), `state-log-${randomUUID()}.json`)
afterEach(() => rmSync(file, { force: true, recursive: true }))

/** A list of words, to which words are added, the latest of them kept; a word twice changes nothing. */
const Words = z.array(z.string())
const open = (kept = Infinity) =>
  new StateLog<string[], { add: string }>(file, {
    state: Words,
    step: z.object({ add: z.string() }),
    advance: (words, { add }) => (words.includes(add) ? null : [...words, add].slice(-kept)),
  })
const begun = (words: string[] = [], kept?: number) => {
  const log = open(kept)
  log.begin(words)
  return log
}

test('there is nothing where nothing was begun, and nothing is written by looking', () => {
  const log = open()
  expect(log.state).toBeNull()
  expect(log.take({ add: 'a' })).toBe(false)
  expect(() => statSync(file)).toThrow('ENOENT')
})

test('what was taken is there again, in the order in which it was taken', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 })), (words) => {
      const log = begun(['first'])
      for (const add of words) log.take({ add })
      expect(open().state).toEqual([...new Set(['first', ...words])])
    }),
  )
})

test('cut off anywhere, it is a state that it had, and goes on from there', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 6 }), fc.nat(), (words, cut) => {
      const log = begun(['first'])
      const firstLine = statSync(file).size
      for (const add of words) log.take({ add })
      const whole = readFileSync(file)
      writeFileSync(file, whole.subarray(0, firstLine + (cut % (whole.length - firstLine + 1))))
      const again = open()
      expect([...new Set(['first', ...words])].slice(0, again.state?.length)).toEqual(again.state)
      again.take({ add: 'and then' })
      expect(open().state).toEqual(again.state)
    }),
  )
})

test('what an earlier version wrote, without an end to the line, is read and gone on with', () => {
  writeFileSync(file, '["first"]')
  const log = open()
  log.take({ add: 'second' })
  expect(open().state).toEqual(['first', 'second'])
})

test('a step costs what it is long, and the file stays within a multiple of what it holds', () => {
  const log = begun(['x'.repeat(200_000)])
  // a file that was written anew is another one under the same name
  const files = new Set([statSync(file).ino])
  const before = statSync(file).size
  log.take({ add: 'short' })
  expect(statSync(file)).toMatchObject({ size: before + '{"add":"short"}\n'.length, ino: [...files][0] })
  for (let n = 0; n < 1_000; n++) {
    log.take({ add: `${n}-${'y'.repeat(1_000)}` })
    files.add(statSync(file).ino)
  }
  expect(files.size).toBeLessThan(6)
  expect(open().state).toEqual(log.state)
})

test('what is not remembered any more is not kept either', () => {
  const log = begun([], 20)
  for (let n = 0; n < 1_000; n++) log.take({ add: `${n}-${'y'.repeat(1_000)}` })
  expect(log.state).toHaveLength(20)
  expect(statSync(file).size).toBeLessThan(100_000)
  expect(open(20).state).toEqual(log.state)
})

test('a step that could not be written was not taken, and the next one finds a whole file', () => {
  const log = begun(['first'])
  rmSync(file)
  mkdirSync(file)
  expect(() => log.take({ add: 'lost' })).toThrow('EISDIR')
  expect(log.state).toEqual(['first'])
  rmdirSync(file)
  expect(log.take({ add: 'second' })).toBe(true)
  expect(open().state).toEqual(['first', 'second'])
})

test.each(['nonsense', '["first"]\nnonsense\n{"add":"x"}\n', '["first"]\n{"remove":"x"}\n'])(
  'nothing is guessed about a file that says %j',
  (text) => {
    writeFileSync(file, text)
    expect(open).toThrow('not readable as state')
  },
)
