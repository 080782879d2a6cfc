import { currentVars } from '@convos/agent-commands/environment'
import type { PluginApi } from './plugin-api.ts'
import { register } from './register.ts'

/** The extension, as OpenClaw loads it. */
export default {
  id: 'web-tools',
  name: 'Web tools',
  description: 'The agent’s own tools, and pages that it can show to its owner',
  register: (api: PluginApi) => register(api, { vars: () => currentVars(process.env), now: () => new Date() }),
}
