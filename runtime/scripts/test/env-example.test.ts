import { globSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REPOSITORY, text } from './support.ts'

/**
 * Every variable that something of the runtime reads from outside is in `.env.example`, and nothing else is. What reads them: the scripts,
 * the agent server's one place, the configuration's template, and the agent's own commands and tools.
 */
const documented = [...text('runtime/.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]*)=/gm)].map(([, name = '']) => name)

const all = (pattern: string) => globSync(pattern, { cwd: REPOSITORY }).filter((path) => !/node_modules|dist|\/test\//.test(path))
const names = (paths: string[], what: RegExp) =>
  paths.flatMap((path) => [...text(path).matchAll(what)].map(([, name = '']) => name))

const shell = all('runtime/scripts/{*,lib/*}.sh')
const sources = all('runtime/{server/src,scripts/lib,openclaw/bin,openclaw/extensions/*/src}/**/*.ts')
/** What services give to a box, some of it for an engine or a tool that reads it under its own steam. */
const givers = all('services/src/{plugins/*,instance/desired}.ts')
const read = new Set([
  ...names(shell, /\$\{?([A-Z][A-Z0-9_]+)/g),
  // `require`d and secret names stand there as words
  ...names(shell, /^ {2}([A-Z][A-Z0-9_]+)[ ']/gm),
  ...names(['runtime/openclaw/openclaw.json'], /(?:\$\{|"\$if": "|"id": ")([A-Z][A-Z0-9_]*)/g),
  // a schema's line in the places that parse an environment
  ...names(sources, /^ +([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|PORT|HOME|PATH): (?:z\.|env)/gm),
])

/** Set by one part of ours for another, by the shell, or by Railway itself. */
const INTERNAL =
  /^(RUNTIME_ROOT|STATE_ROOT|GATEWAY_STATE|WORKSPACE|SECRETS|AGENT_USER|MODEL_REF|NODE_FOLDER|OPENCLAW_WORKSPACE_DIR|CONVOS_HOME|AGENT_LINK_(URL|TOKEN)|AGENT_ENV_FILE|INSTANCE_CONTROL_TOKEN_FD|PATH|HOME|BASH_[A-Z]+|RAILWAY_ENVIRONMENT_ID)$/

test('every variable that is read is in the example', () => {
  expect(read.size).toBeGreaterThan(20)
  expect([...read].filter((name) => !INTERNAL.test(name) && !documented.includes(name))).toEqual([])
})

test('every variable of the example is read or given by something, and is in it once', () => {
  const words = new Set(
    [...shell, ...sources, ...givers, 'runtime/openclaw/openclaw.json'].flatMap(
      (path) => text(path).match(/[A-Z][A-Z0-9_]+/g) ?? [],
    ),
  )
  expect(documented.filter((name) => !words.has(name))).toEqual([])
  expect(new Set(documented).size).toBe(documented.length)
})
