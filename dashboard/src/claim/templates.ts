import type { OfferedTool, Template } from '@convos/pool/contract'

/** Those that hold every word of the text in their name, instructions, tools or model. */
export function templatesMatching(templates: readonly Template[], text: string): Template[] {
  const words = text.trim().toLowerCase().split(/\s+/)
  return templates.filter((template) => {
    const { agentName, instructions, tools, model } = template
    const all = [agentName, instructions, model.default, ...tools.map(({ id }) => id)].join('\n').toLowerCase()
    return words.every((word) => all.includes(word))
  })
}

const BEGINNING = 400

/** How instructions begin, without the marks of Markdown, for where there is room for a line or two. */
export function gist(instructions: string): string {
  const beginning = instructions.slice(0, BEGINNING)
  const plain = beginning
    .replace(/^[ \t]*(```|~~~).*$/gm, '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^[ \t]*(#{1,6}|>|[-*+]|\d+[.)])[ \t]+/gm, '')
    .replace(/\*\*|__|~~|`/g, '')
    .trim()
  return plain === '' ? beginning : plain
}

/** The tools of a template as people call them, and which of them are not to be had here. */
export const toolNames = (template: Template, offered: readonly OfferedTool[]) =>
  template.tools.map(({ id, provisioning }) => {
    const tool = offered.find(({ toolId }) => toolId === id)
    const missing = offered.length > 0 && provisioning === 'pool' && !tool?.available
    return { id, name: toolName(id, tool), yours: provisioning === 'user', missing }
  })

export const toolName = (id: string, tool: OfferedTool | undefined): string => TOOL_WORDS[id] ?? tool?.name ?? id

/** What a tool is for; its own name is the provider's. */
const TOOL_WORDS: Record<string, string> = { email: 'Email', sms: 'SMS', crypto: 'Crypto' }
