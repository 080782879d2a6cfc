import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { readEnvExample } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { programsOf } from '../src/service.ts'
import { ROOT, text } from './support.ts'

test('the way onto Railway explains every variable of both services, and no other', () => {
  const [, tables = ''] = text('docs/deploy-railway.md').split('## Every variable\n')
  const explained = tables
    .split('\n')
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([A-Z][A-Z0-9_]*)`/g)].map(([, name = '']) => name))
  const read = ['pool', 'services'].flatMap((service) =>
    readEnvExample(join(ROOT, service, '.env.example')).map(({ name }) => name),
  )
  expect(explained.toSorted()).toEqual([...new Set(read)].toSorted())
})

test('every command that the manual names is in an image', () => {
  const named = [...text('docs/deploy.md').matchAll(/node dist\/([\w/-]+)\.js/g)].map(([, program = '']) => program)
  expect(new Set(named).size).toBeGreaterThan(2)
  const there = [...programsOf('pool'), ...programsOf('services')]
  expect(named.filter((program) => !there.includes(program))).toEqual([])
})

test.for(
  (['pool', 'services'] as const).flatMap((service) => programsOf(service).map((program) => `${service}/src/${program}.ts`)),
)('%s explains itself with --help, whatever is set', (program) => {
  // the service itself takes no arguments
  if (program.endsWith('/index.ts')) return
  expect(execFileSync(process.execPath, [join(ROOT, program), '--help'], { env: {}, encoding: 'utf8' })).toContain('--help')
})
