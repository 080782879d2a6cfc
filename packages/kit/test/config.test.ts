import { expect, test } from 'vitest'
import { z } from 'zod'
import { envInt, envList, envSecret, envUrl, readEnv } from '../src/index.ts'

const Env = z.object({
  PORT: envInt(1, 65_535).default(3001),
  URL: envUrl,
  SECRET: envSecret,
  ORIGINS: envList.optional(),
})
const good = { URL: 'http://host/path/', SECRET: 'long-enough-to-be-one' }

test('an empty value is an absent one, and URLs lose their trailing slash', () => {
  expect(readEnv(Env, { ...good, PORT: '' })).toEqual({ PORT: 3001, URL: 'http://host/path', SECRET: good.SECRET })
})

test('all faults are told together, by name and never by value', () => {
  const env = { PORT: '99999', URL: 'ftp://user:hunter2@host', SECRET: 'hunter2', ORIGINS: ' , ' }
  let message = ''
  try {
    readEnv(Env, env)
  } catch (err) {
    message = (err as Error).message
  }
  for (const name of Object.keys(env)) expect(message).toContain(name)
  expect(message).not.toContain('hunter2')
  expect(message).not.toContain('99999')
})

test('a missing variable is said to be required', () => {
  expect(() => readEnv(Env, {})).toThrow(/URL: is required\n {2}SECRET: is required/)
})
