import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bundle } from '../src/bundle.ts'
import { FILES, programsOf } from '../src/service.ts'
import { ROOT, text } from './support.ts'

test('in one file, a module still finds what lies beside its source, and is not taken for the program', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  const put = (path: string, source: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), source)
  }
  put(
    'from/src/deep/part.ts',
    `import { readFileSync } from 'node:fs'
    export const part: unknown = [import.meta.main, readFileSync(new URL('../../note.txt', import.meta.url), 'utf8')]`,
  )
  put('from/src/index.ts', `import { part } from './deep/part.ts'; console.log(JSON.stringify([import.meta.main, part]))`)
  put('to/note.txt', 'found')
  put('to/package.json', '{"type":"module"}')
  const file = join(to, 'dist/index.js')
  await bundle({ input: join(from, 'src/index.ts'), file, tree: { from, to } })
  expect(JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8' }))).toEqual([true, [false, 'found']])
})

test('an import that is not found fails at once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'index.ts'), `import 'not-there'`)
  await expect(bundle({ input: join(folder, 'index.ts'), file: join(folder, 'out.js') })).rejects.toThrow('not-there')
})

describe.for(['pool', 'services'] as const)('the image of %s', (service) => {
  test('has every program that a script starts', () => {
    expect(programsOf(service)).toEqual(expect.arrayContaining(['index', 'db/migrate', 'cli']))
    for (const program of programsOf(service)) expect(text(service, 'src', `${program}.ts`)).not.toBe('')
  })

  test('has every file that is looked up beside a source', () => {
    const sources = globSync([`${service}/src/**/*.ts`, 'packages/kit/src/**/*.ts'], { cwd: ROOT })
    const looked = sources.flatMap((source) =>
      [...text(source).matchAll(/new URL\(['"`]([^'"`$]*)[^'"`]*['"`], import\.meta\.url\)/g)].map(([, path = '']) =>
        normalize(join(dirname(source), path)).replace(/\/$/, ''),
      ),
    )
    expect(looked.length).toBeGreaterThan(1)
    // a sandbox that runs in a checkout; there is none in an image
    const there = [...FILES[service], `${service}/package.json`, '.data/sandbox.json']
    expect(looked.filter((path) => !there.includes(path))).toEqual([])
  })
})
