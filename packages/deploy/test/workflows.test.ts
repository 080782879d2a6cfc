import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { ROOT, text } from './support.ts'

const Step = z.looseObject({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).default({}),
})
const Workflow = z.looseObject({
  permissions: z.strictObject({}),
  jobs: z.record(z.string(), z.looseObject({ container: z.string().optional(), steps: z.array(Step).default([]) })),
})

/** The first version of each that runs on Node 24: GitHub's runners have had no Node 20 since September 2026. */
const NODE_24: Record<string, number> = {
  'actions/checkout': 5,
  'actions/upload-artifact': 6,
  'docker/build-push-action': 7,
  'docker/login-action': 4,
  'docker/setup-buildx-action': 4,
  'gitleaks/gitleaks-action': 3,
}

const files = readdirSync(join(ROOT, '.github/workflows'))
const workflow = (file: string) => Workflow.parse(parse(text('.github/workflows', file)))
const used = files.flatMap((file) =>
  [...text('.github/workflows', file).matchAll(/uses: ([^.\s]\S*)(?: # (\S+))?$/gm)].map(([, pin = '', version = '']) => {
    const [action = '', commit = ''] = pin.split('@')
    return { file, action, commit, version }
  }),
)

describe('what the workflows use', () => {
  test('is pinned to a commit, and says of which version that is', () => {
    expect(used.length).toBeGreaterThan(0)
    expect(used.filter(({ commit, version }) => !/^[0-9a-f]{40}$/.test(commit) || !/^v\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })

  test('is of one version everywhere', () => {
    const versions = Map.groupBy(used, ({ action }) => action)
    for (const [action, uses] of versions)
      expect(new Set(uses.map(({ commit, version }) => `${commit} ${version}`)), action).toHaveProperty('size', 1)
  })

  test('runs on the Node that runners have', () => {
    const major = (version: string) => Number(/^v(\d+)/.exec(version)?.[1])
    expect(used.filter(({ action, version }) => !(major(version) >= (NODE_24[action] ?? Infinity)))).toEqual([])
  })
})

test.for(files)('%s gives no permission to a job that does not ask for it', (file) => {
  expect(workflow(file).permissions).toEqual({})
})

test('a job in a container lets git read what the runner checked out, with its history', () => {
  const inContainers = Object.values(workflow('ci.yml').jobs).filter(({ container }) => container !== undefined)
  expect(inContainers).toHaveLength(1)
  for (const { steps } of inContainers) {
    const [checkout, trust] = steps
    expect(checkout?.with).toMatchObject({ 'fetch-depth': 0 })
    expect(trust?.run).toBe('git config --global --add safe.directory "$GITHUB_WORKSPACE"')
  }
})
