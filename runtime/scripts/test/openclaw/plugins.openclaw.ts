import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gatewayConfig } from '../../lib/gateway-config.ts'
import type { Json } from '../../lib/template.ts'
import { RUNTIME, text } from '../support.ts'

const Catalog = z.object({
  entries: z.array(z.object({ openclaw: z.looseObject({ plugin: z.object({ id: z.string() }).optional() }) })),
})
const Config = z.object({ plugins: z.object({ entries: z.record(z.string(), z.object({ enabled: z.boolean() })) }) })

const CATALOGS = join(RUNTIME, 'node_modules/openclaw/scripts/lib')
/** Every variable that a box may have. */
const names = [...text('runtime/.env.example').matchAll(/^(?:# )?([A-Z][A-Z0-9_]*)=/gm)].map(([, name = '']) => name)

/** OpenClaw installs a plugin of its catalogs when a variable is there that the plugin could use, whatever `plugins.allow` says. */
const woken = readdirSync(CATALOGS)
  .filter((file) => /^official-external-\w+-catalog\.json$/.test(file))
  .flatMap((file) => Catalog.parse(JSON.parse(readFileSync(join(CATALOGS, file), 'utf8'))).entries)
  .filter(({ openclaw }) => names.some((name) => JSON.stringify(openclaw).includes(`"${name}"`)))
  .map(({ openclaw: { plugin } }) => plugin?.id ?? 'nameless')

test('no plugin is fetched because of a variable that a box has', () => {
  const vars = Object.fromEntries(names.map((name) => [name, 'x']))
  const given = {
    ...vars,
    RUNTIME_ROOT: '/app',
    GATEWAY_STATE: '/data/openclaw',
    OPENCLAW_WORKSPACE_DIR: '/data/workspace',
    NODE_FOLDER: '/usr/local/bin',
  }
  const template = JSON.parse(text('runtime/openclaw/openclaw.json')) as Json
  const { entries } = Config.parse(gatewayConfig(template, given)).plugins
  expect(woken).toContain('perplexity')
  expect(woken.filter((id) => entries[id]?.enabled !== false)).toEqual([])
})
