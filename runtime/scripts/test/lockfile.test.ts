import { expect, test } from 'vitest'
import { z } from 'zod'
import { text } from './support.ts'

const Package = z.object({
  version: z.string().optional(),
  resolved: z.string().optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
})
const { packages } = z.object({ packages: z.record(z.string(), Package) }).parse(JSON.parse(text('runtime/package-lock.json')))
const manifest = z
  .object({ dependencies: z.record(z.string(), z.string()), overrides: z.record(z.string(), z.string()) })
  .parse(JSON.parse(text('runtime/package.json')))

test('the lockfile is of this package.json, and names no registry', () => {
  expect(packages['']?.dependencies).toEqual(manifest.dependencies)
  expect(Object.values(packages).filter(({ resolved }) => resolved?.startsWith('http'))).toEqual([])
})

test.for(Object.entries(manifest.overrides))('%s is there once, as %s', ([name, version]) => {
  const found = Object.entries(packages).filter(([path]) => path.endsWith(`node_modules/${name}`))
  expect(found.map(([, { version: locked }]) => locked)).toEqual([version])
})
