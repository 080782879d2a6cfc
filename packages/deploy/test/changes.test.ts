import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readChange, renderNotes } from '../src/changes.ts'
import { ROOT, text } from './support.ts'

const change = (kind: string, rest = '') => `---\nkind: ${kind}\n${rest}---\n\nIt ${kind}.\n`

test('every change that waits for a release can be told', () => {
  const files = readdirSync(join(ROOT, '.changes')).filter((name) => name !== 'README.md')
  expect(files.length).toBeGreaterThan(0)
  for (const name of files) expect(name.endsWith('.md') && readChange(name, text('.changes', name))).toBeTruthy()
})

test('a file that cannot be told is refused by its name', () => {
  const refused = [
    'no head',
    '---\nkind: nice\n---\nIt is.',
    '---\nkind: [\n---\nIt is.',
    '---\nkind: added\nnote: x\n---\nIt is.',
    '---\nkind: added\n---\n \n',
  ]
  for (const source of refused) expect(() => readChange('some.md', source)).toThrow(/^some\.md: /)
})

test('notes begin with what must be done, and go on by kind', () => {
  const notes = renderNotes([
    { kind: 'fixed', text: 'It counts.\nAlways.' },
    { kind: 'added', text: 'It sings.', upgrade: 'Set SONG.' },
  ])
  expect(notes).toBe('## Before you upgrade\n\n- Set SONG.\n\n## Added\n\n- It sings.\n\n## Fixed\n\n- It counts.\n  Always.\n')
  expect(renderNotes([])).toBe('Nothing that a user would notice.\n')
})

test('a release tells what was added since the one before, and no later correction', () => {
  const folder = mkdtempSync(join(tmpdir(), 'changes-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, '-c', 'user.name=x', '-c', 'user.email=x@x', ...args])
  const commit = (files: Record<string, string>) => {
    for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, '.changes', name), source)
    git('add', '-A')
    git('commit', '-qm', 'on')
  }
  const notes = (...args: string[]) =>
    spawnSync(process.execPath, [join(ROOT, 'packages/deploy/src/release-notes.ts'), '--folder', folder, ...args], {
      encoding: 'utf8',
    })
  mkdirSync(join(folder, '.changes'))
  git('init', '-q')
  commit({ 'README.md': '# what stands here', 'one.md': change('added') })
  expect(notes().stdout).toBe('## Added\n\n- It added.\n')
  git('tag', 'v1')
  commit({ 'one.md': change('changed'), 'two.md': change('fixed') })
  expect(notes().stdout).toBe('## Fixed\n\n- It fixed.\n')
  git('tag', 'v2') // the tag of the release itself
  expect(JSON.parse(notes('--json').stdout)).toEqual([{ kind: 'fixed', text: 'It fixed.' }])
  commit({ 'three.md': 'no head' })
  const failed = notes()
  expect([failed.status, failed.stderr]).toEqual([1, expect.stringContaining('.changes/three.md')])
})
