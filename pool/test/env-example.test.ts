import { fileURLToPath } from 'node:url'
import { readEnvExample } from '@convos/sandbox/testing'
import { expect, test } from 'vitest'
import { VARIABLES } from '../src/config.ts'

const example = readEnvExample(fileURLToPath(new URL('../.env.example', import.meta.url)))

test('the example has every variable that is read, once, and no other', () => {
  expect(example.map(({ name }) => name).toSorted()).toEqual(Object.keys(VARIABLES).toSorted())
})

test('each is explained, and has no comment behind its value, which some would take for a part of it', () => {
  expect(example.filter(({ explained, value }) => !explained || value.includes(' #'))).toEqual([])
})

test('what stands behind a # is optional, and the default where there is one', () => {
  for (const { name, value, optional } of example) {
    const variable = VARIABLES[name as keyof typeof VARIABLES]
    const absent = variable.safeParse(undefined)
    if (optional) expect(absent.success, name).toBe(true)
    if (optional && absent.data !== undefined) expect([name, variable.parse(value)]).toEqual([name, absent.data])
  }
})
