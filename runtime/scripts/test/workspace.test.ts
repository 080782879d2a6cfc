import { existsSync, lstatSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergePlan } from '../lib/merge-plan.ts'
import { box } from './support.ts'

/** A workspace that was seeded, and what may happen to it before it is again. */
async function seeded() {
  const b = box()
  const sync = () => b.run([join(b.root, 'scripts/apply-config.sh')], { OPENCLAW_STATE_DIR: b.state, OPENROUTER_API_KEY: 'k' })
  b.put('openclaw/workspace/skills/mail/SKILL.md', 'how to write mail\n')
  expect(await sync()).toMatchObject({ code: 0, stderr: '' })
  const workspace = (path: string) => join(b.state, 'workspace', path)
  return { ...b, sync, workspace, seed: (path: string, text: string) => b.put(`openclaw/workspace/${path}`, text) }
}

describe('the workspace', () => {
  test('follows the image where nobody changed it', async () => {
    const w = await seeded()
    w.seed('AGENTS.md', 'be kinder\n')
    w.seed('skills/sms/SKILL.md', 'how to text\n')
    await w.sync()
    expect(w.file('workspace/AGENTS.md')).toBe('be kinder\n')
    expect(w.file('workspace/skills/sms/SKILL.md')).toBe('how to text\n')
  })

  test('keeps what was changed, and says so, until the change is undone', async () => {
    const w = await seeded()
    writeFileSync(w.workspace('AGENTS.md'), 'be mine\n')
    w.seed('AGENTS.md', 'be kinder\n')
    expect((await w.sync()).stderr).toContain('changed in the workspace, and so kept: AGENTS.md')
    expect(w.file('workspace/AGENTS.md')).toBe('be mine\n')
    writeFileSync(w.workspace('AGENTS.md'), 'be kind\n')
    await w.sync()
    expect(w.file('workspace/AGENTS.md')).toBe('be kinder\n')
  })

  test('gets back what was deleted, and loses what the image has no more', async () => {
    const w = await seeded()
    rmSync(w.workspace('AGENTS.md'))
    rmSync(join(w.root, 'openclaw/workspace/skills'), { recursive: true })
    await w.sync()
    expect(w.file('workspace/AGENTS.md')).toBe('be kind\n')
    expect(existsSync(w.workspace('skills/mail/SKILL.md'))).toBe(false)
  })

  test('has files of the agent’s own, which are nobody else’s business', async () => {
    const w = await seeded()
    writeFileSync(w.workspace('MEMORY.md'), 'I met Sam\n')
    expect((await w.sync()).stderr).toBe('')
    expect(w.file('workspace/MEMORY.md')).toBe('I met Sam\n')
  })

  test('a link in the place of a file is a change, whatever it leads to', async () => {
    const w = await seeded()
    writeFileSync(join(w.state, 'elsewhere'), 'be kind\n')
    rmSync(w.workspace('AGENTS.md'))
    symlinkSync(join(w.state, 'elsewhere'), w.workspace('AGENTS.md'))
    w.seed('AGENTS.md', 'be kinder\n')
    await w.sync()
    expect(w.file('elsewhere')).toBe('be kind\n')
    expect(lstatSync(w.workspace('AGENTS.md')).isSymbolicLink()).toBe(true)
  })
})

const hash = fc.constantFrom('a', 'b', 'c')
const hashes = fc.dictionary(fc.constantFrom('x', 'y', 'z'), hash)
const present = fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.option(hash))

test('whatever was seeded and changed: a changed file is never touched, every other is as the image has it', () =>
  fc.assert(
    fc.property(hashes, hashes, present, (wanted, was, have) => {
      const plan = mergePlan({ wanted, seeded: was, present: have })
      for (const path of ['x', 'y', 'z']) {
        const now = have[path] ?? null
        const changed = now !== null && now !== was[path] && now !== wanted[path]
        expect(plan.copy.includes(path)).toBe(wanted[path] !== undefined && now !== wanted[path] && !changed)
        expect(plan.remove.includes(path)).toBe(wanted[path] === undefined && now !== null && now === was[path])
      }
      // told once, a second look changes nothing
      const after = Object.fromEntries(
        ['x', 'y', 'z'].map((path) => [
          path,
          plan.copy.includes(path) ? (wanted[path] ?? null) : plan.remove.includes(path) ? null : (have[path] ?? null),
        ]),
      )
      expect(mergePlan({ wanted, seeded: plan.seeded, present: after })).toMatchObject({ copy: [], remove: [] })
    }),
  ))
