import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, matchesGlob, relative } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { bundle } from '../src/bundle.ts'
import { FILES, programsOf } from '../src/service.ts'
import { ROOT, text } from './support.ts'

/** What we use of Railway's configuration as code; it refuses a deployment where a number is a string. */
const Configuration = z.strictObject({
  $schema: z.literal('https://railway.com/railway.schema.json'),
  build: z.strictObject({
    builder: z.literal('DOCKERFILE'),
    dockerfilePath: z.string(),
    // from the repository's root, wherever the file stands
    watchPatterns: z.array(z.string().startsWith('/')),
  }),
  deploy: z.strictObject({
    // Railway takes one
    preDeployCommand: z.tuple([z.string()]),
    healthcheckPath: z.string().startsWith('/'),
    healthcheckTimeout: z.int().positive(),
    restartPolicyType: z.enum(['ALWAYS', 'NEVER', 'ON_FAILURE']),
    overlapSeconds: z.int().nonnegative(),
    drainingSeconds: z.int().nonnegative(),
  }),
})

describe.for(['pool', 'services'] as const)('%s on Railway', (service) => {
  const { build, deploy } = Configuration.parse(JSON.parse(text(service, 'railway.json')))

  test('is built by its Dockerfile', () => {
    expect(build.dockerfilePath).toBe(`${service}/Dockerfile`)
  })

  test('migrates before anything is replaced, with a program of the image', () => {
    const [, program] = /^node dist\/(\S+)\.js$/.exec(deploy.preDeployCommand[0]) ?? []
    expect(programsOf(service)).toContain(program)
  })

  test('gets requests once it is ready, and is killed only after what it promises', () => {
    expect(deploy.healthcheckPath).toBe('/readyz')
    expect(deploy.drainingSeconds).toBeGreaterThan(35)
    expect(deploy.restartPolicyType).toBe('ALWAYS')
  })

  test('is deployed again when anything changes that it is made of', async () => {
    const out = mkdtempSync(join(tmpdir(), 'bundle-'))
    onTestFinished(() => rmSync(out, { recursive: true }))
    const isWatched = (path: string) => build.watchPatterns.some((pattern) => matchesGlob(`/${path}`, pattern))
    const modules = await bundle({ input: join(ROOT, service, 'src/index.ts'), file: join(out, 'index.js') })
    const sources = modules
      .filter((path) => path.startsWith(ROOT) && !path.includes('/node_modules/'))
      .map((path) => relative(ROOT, path))
    expect(sources.length).toBeGreaterThan(50)
    const files = FILES[service].map((folder) => `${folder}/any`)
    const more = ['package.json', 'pnpm-lock.yaml', '.dockerignore', `${service}/Dockerfile`, 'packages/deploy/src/service.ts']
    expect([...sources, ...files, ...more].filter((path) => !isWatched(path))).toEqual([])
  })
})
