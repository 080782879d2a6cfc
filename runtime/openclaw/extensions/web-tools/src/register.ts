import { join } from 'node:path'
import { FormStore } from './forms/store.ts'
import { pageRoute } from './pages/routes.ts'
import type { PluginApi } from './plugin-api.ts'
import { ownTools } from './tools/own-tools.ts'
import { pageTools } from './tools/pages.ts'
import { textTools } from './tools/texts.ts'
import type { Parts } from './tools/tool.ts'

/** Gives a gateway the agent's tools and pages. */
export function register(api: PluginApi, { vars, now }: Pick<Parts, 'vars' | 'now'>): void {
  const parts = { vars, now, log: api.logger }
  const forms = new FormStore(join(api.runtime.state.resolveStateDir(), 'web-tools', 'forms.json'))
  for (const tool of [...ownTools(parts), ...textTools(parts), ...pageTools(parts, forms)]) api.registerTool(tool)
  api.registerHttpRoute(pageRoute(parts, forms))
}
