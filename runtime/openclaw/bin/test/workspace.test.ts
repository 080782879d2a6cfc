import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { agentmail } from '../src/agentmail.ts'
import { bankr } from '../src/bankr.ts'

const folder = fileURLToPath(new URL('../../workspace', import.meta.url))
const manifest = fileURLToPath(new URL('../../extensions/web-tools/openclaw.plugin.json', import.meta.url))
const read = (path: string) => readFileSync(join(folder, path), 'utf8')

/** In every prompt, so each turn pays for them. */
const INJECTED = { 'AGENTS.md': 4_000, 'SOUL.md': 1_500, 'IDENTITY.md': 500 }
const INJECTED_TOKENS = 1_200
const SKILL_CHARS = 3_000
const DESCRIPTIONS_CHARS = 700

const skills = readdirSync(join(folder, 'skills')).map((name) => {
  const text = read(`skills/${name}/SKILL.md`)
  const [, front = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? []
  return { name, text, front: parse(front) as unknown, body }
})
const injected = Object.keys(INJECTED).map(read)
const everything = [...injected, ...skills.map(({ text }) => text)].join('\n')

describe('what every prompt holds', () => {
  test.each(Object.entries(INJECTED))('%s has at most %i characters', (file, chars) => {
    expect(read(file).length).toBeLessThanOrEqual(chars)
  })

  test('is all together within its budget of tokens', () => {
    // English prose has about four characters to a token
    expect(injected.join('').length / 4).toBeLessThanOrEqual(INJECTED_TOKENS)
  })

  test('says that the claim’s own instructions win', () => {
    expect(read('AGENTS.md')).toMatch(/instructions of whoever claimed you .* win over everything in this file/)
  })

  test('is in files that OpenClaw reads', () => {
    // TOOLS.md is retired there: its place is a section of AGENTS.md
    const files = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []))
    expect(files.toSorted()).toEqual(Object.keys(INJECTED).toSorted())
    expect(read('AGENTS.md')).toContain('\n## Tools\n')
  })
})

describe.each(skills)('the skill $name', ({ name, text, front, body }) => {
  test('has the front matter that OpenClaw wants', () => {
    const FrontMatter = z.strictObject({
      name: z.literal(name).and(z.string().regex(/^[a-z0-9-]+$/)),
      description: z.string().max(160),
    })
    FrontMatter.parse(front)
    expect(body.trimStart()).toMatch(/^# /)
  })

  test('is short enough to be read whenever it may help', () => {
    expect(text.length).toBeLessThanOrEqual(SKILL_CHARS)
  })
})

test('the descriptions of all skills, which every prompt holds, are short', () => {
  expect(skills.map(({ front }) => z.object({ description: z.string() }).parse(front).description).join('').length).toBeLessThan(
    DESCRIPTIONS_CHARS,
  )
})

describe('what the texts name', () => {
  const tools = z
    .object({ contracts: z.object({ tools: z.array(z.string()) }) })
    .parse(JSON.parse(readFileSync(manifest, 'utf8'))).contracts.tools
  const others = ['message', 'exec']

  test('are tools that there are, and all of ours are named', () => {
    const named = new Set([...everything.matchAll(/`([a-z]+_[a-z]+)`/g)].map(([, tool]) => tool))
    expect(named).toEqual(new Set(tools.filter((tool) => tool.includes('_'))))
    for (const tool of [...tools, ...others]) expect(everything).toContain(`\`${tool}\``)
  })

  test('are skills that there are, all of them', () => {
    const named = new Set([...read('AGENTS.md').matchAll(/skill `([a-z-]+)`/g)].map(([, skill]) => skill))
    expect(named).toEqual(new Set(skills.map(({ name }) => name)))
  })

  test('are commands that there are, with options that there are', () => {
    for (const program of [agentmail, bankr]) {
      const lines = [...everything.matchAll(new RegExp(`^${program.name} (\\w+)(.*)$`, 'gm'))]
      expect(new Set(lines.map(([, command]) => command))).toEqual(new Set(Object.keys(program.commands)))
      for (const [, command = '', rest = ''] of lines)
        for (const [, option = ''] of rest.matchAll(/--(\w+)/g)) expect(program.commands[command]?.options).toHaveProperty(option)
    }
  })

  test('are no links that lead nowhere', () => {
    expect(everything).not.toMatch(/\]\(/)
    expect([...everything.matchAll(/https?:\/\/\S+/g)]).toEqual([])
  })
})
