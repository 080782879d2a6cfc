import { z } from 'zod'
import type { AgentTool } from '../plugin-api.ts'
import { servicesClient } from '../services/client.ts'
import { creditsInWords, factsOf, stateOf } from '../services/present.ts'
import { servicesSettings } from '../settings.ts'
import { defineTool, type Parts, type Run } from './tool.ts'

const services = ({ vars, signal }: Run) => servicesClient(servicesSettings(vars), signal)

/** What the agent has, what it may get, and what it may still spend. */
export const ownTools = (parts: Parts): AgentTool[] => [
  defineTool(parts, {
    name: 'list_tools',
    label: 'List own tools',
    description: 'Lists the tools you have (mail address, phone number, wallets) and those you may get with provision_tool.',
    input: z.strictObject({}),
    async run(_input, run) {
      const tools = await services(run).tools()
      const lines = tools.map((tool) => [`${tool.toolId} (${tool.name}): ${stateOf(tool)}`, ...factsOf(tool.config)].join('; '))
      return lines.join('\n') || 'You have no tools, and may get none.'
    },
  }),

  defineTool(parts, {
    name: 'provision_tool',
    label: 'Get a tool',
    description:
      'Gets you a tool that you do not have yet: "email" (a mailbox), "sms" (a phone number) or "crypto" (a Bankr wallet). ' +
      'It costs money, so ask in the chat first. Asking again for one you have is harmless.',
    input: z.strictObject({ toolId: z.enum(['email', 'sms', 'crypto']) }),
    async run({ toolId }, run) {
      const { state, config, error } = await services(run).provision(toolId)
      if (state === 'creating')
        return `${toolId} is being made${error === null ? '' : ` (it is not getting on: ${error})`}. Call list_tools in a minute.`
      const facts = factsOf(config).join('; ')
      return `${toolId} is ${stateOf({ state, allowed: false })}${facts ? `; ${facts}` : ''}. Its variables are there within moments, without a restart.`
    },
  }),

  defineTool(parts, {
    name: 'credits',
    label: 'Credits left',
    description: 'Tells what you may still spend on thinking (your model key), in US dollars.',
    input: z.strictObject({}),
    run: async (_input, run) => creditsInWords(await services(run).credits()),
  }),
]
