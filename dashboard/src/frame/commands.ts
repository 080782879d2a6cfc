import type { Instance, Role, Template } from '@convos/pool/contract'
import { type PageEntry, pagesFor } from '../pages.ts'
import type { Search } from '../url.ts'

/** One line of the palette. */
export interface Command {
  name: string
  /** What it is, or more about it. */
  kind: string
  goTo: { to: PageEntry['to']; search?: Search }
}

const SHOWN = 12

const NEW_KEY: Command = { name: 'New key', kind: 'makes an access key', goTo: { to: '/settings', search: { new: 'key' } } }

interface Known {
  instances: readonly Instance[]
  templates: readonly Template[]
}

/** What can be gone to: pages, templates, and for operators the instances. */
export const commandsFor = (role: Role, { instances, templates }: Known): Command[] => [
  ...pagesFor(role).map(({ to, name }) => ({ name, kind: 'page', goTo: { to } })),
  { name: 'New template', kind: 'act', goTo: { to: '/templates', search: { open: 'new' } } },
  ...templates.map(({ id, agentName }) => ({
    name: `${agentName} · ${id}`,
    kind: 'template',
    goTo: { to: '/templates' as const, search: { open: id } },
  })),
  ...(role === 'operator' ? [NEW_KEY] : []),
  ...instances.map(({ id, agentName, status }) => ({
    name: agentName === null ? id : `${agentName} · ${id}`,
    kind: status,
    goTo: { to: '/instances' as const, search: { open: id } },
  })),
]

/** Those that hold every word of the text, names that begin with it first. */
export function matching(commands: readonly Command[], text: string): Command[] {
  const words = text.trim().toLowerCase().split(/\s+/)
  const first = words[0] ?? ''
  return commands
    .map((command) => ({ command, name: command.name.toLowerCase() }))
    .filter(({ command, name }) => words.every((word) => `${name} ${command.kind}`.includes(word)))
    .toSorted((a, b) => Number(b.name.startsWith(first)) - Number(a.name.startsWith(first)))
    .slice(0, SHOWN)
    .map(({ command }) => command)
}
