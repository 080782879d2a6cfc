import { readFile } from 'node:fs/promises'
import { Refused, Usage } from '@convos/kit'
import { z } from 'zod'
import { Operation, Template, Templates, TemplateVersions } from '../contract/index.ts'
import type { Command, Invocation } from './command.ts'
import { follow } from './follow.ts'
import { table } from './table.ts'

/** Templates of the pool. */
export const templates: Command = {
  name: 'templates',
  summary: 'lists, shows, makes, changes, deletes and syncs templates',
  usage: 'usage: templates list | show ID | versions ID | create FILE | update ID FILE | delete ID | sync ID',
  help: `  list            public ones and your own; for operators all
  show ID         one template, as JSON: what create and update take
  versions ID     what it was before
  create FILE     from a JSON file: {"agentName", "instructions", "model", "tools", "visibility"}; - reads standard input
  update ID FILE  all of it anew: its next version
  delete ID       takes it out of use; agents made from it stay
  sync ID         gives its instructions and model to the agents made from it`,
  options: {},
  positionals: true,
  async run(invocation) {
    const [act = '', ...args] = invocation.positionals
    const known = ACTS[act]
    if (!known || args.length !== known.takes) throw new Usage('say what: list, show, versions, create, update, delete or sync')
    return known.run(invocation, ...args)
  },
}

type Act = { takes: number; run: (invocation: Invocation, ...args: string[]) => Promise<number> }

const pathOf = (id: string) => `/api/templates/${encodeURIComponent(id)}`

const ACTS: Readonly<Record<string, Act>> = {
  list: { takes: 0, run: list },
  show: { takes: 1, run: show },
  versions: { takes: 1, run: versions },
  create: { takes: 1, run: create },
  update: { takes: 2, run: update },
  delete: { takes: 1, run: remove },
  sync: { takes: 1, run: sync },
}

async function list({ api, terminal, json }: Invocation): Promise<number> {
  const answer = await api.get('/api/templates', Templates)
  if (json) terminal.out(JSON.stringify(answer, null, 2))
  else {
    const rows = answer.templates.map((t) => [t.id, t.agentName, t.visibility, String(t.version), toolsOf(t), t.updatedAt])
    terminal.out(table([['ID', 'AGENT', 'VISIBILITY', 'VERSION', 'TOOLS', 'UPDATED'], ...rows]))
    if (answer.truncated) terminal.out('… and more')
  }
  return 0
}

const toolsOf = ({ tools }: Template): string | null => tools.map(({ id }) => id).join(' ') || null

async function show({ api, terminal }: Invocation, id = ''): Promise<number> {
  terminal.out(JSON.stringify(await api.get(pathOf(id), Template), null, 2))
  return 0
}

async function versions({ api, terminal, json }: Invocation, id = ''): Promise<number> {
  const answer = await api.get(`${pathOf(id)}/versions`, TemplateVersions)
  const rows = answer.versions.map((v) => [String(v.version), v.createdAt, v.author, v.agentName, v.visibility])
  if (json) terminal.out(JSON.stringify(answer, null, 2))
  else terminal.out(table([['VERSION', 'MADE', 'BY', 'AGENT', 'VISIBILITY'], ...rows]))
  return 0
}

async function create({ api, terminal, json }: Invocation, file = ''): Promise<number> {
  const made = await api.post('/api/templates', await readContent(file), Template)
  terminal.out(json ? JSON.stringify(made, null, 2) : `${made.id} (${made.agentName}, ${made.visibility})`)
  return 0
}

async function update({ api, terminal, json }: Invocation, id = '', file = ''): Promise<number> {
  const next = await api.put(pathOf(id), await readContent(file), Template)
  terminal.out(json ? JSON.stringify(next, null, 2) : `${next.id} is at version ${next.version}`)
  return 0
}

async function remove({ api, terminal, json }: Invocation, id = ''): Promise<number> {
  const done = await api.delete(pathOf(id), z.object({ ok: z.literal(true) }))
  terminal.out(json ? JSON.stringify(done) : `deleted ${id}`)
  return 0
}

async function sync({ api, terminal, json }: Invocation, id = ''): Promise<number> {
  return follow({ api, terminal, json }, await api.post(`${pathOf(id)}/sync`, {}, Operation))
}

/** What a template shown before, or written by hand, says; the pool checks it. */
const Content = z
  .record(z.string(), z.unknown())
  .transform(({ id: _id, creatorId: _by, createdAt: _made, updatedAt: _changed, ...content }) => content)

async function readContent(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8').catch((cause: unknown) => {
    throw new Refused(`${file} cannot be read`, { cause })
  })
  const { version: _, ...content } = Content.parse(parseJson(text, file))
  return content
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Refused(`${file} is not JSON`, { cause })
  }
}
