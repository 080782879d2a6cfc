import { Refused, Usage } from '@convos/kit'
import { ApiKey, ApiKeys, NewApiKey, Role } from '../contract/index.ts'
import { type Command, type Invocation, number } from './command.ts'
import { table } from './table.ts'

const PER_MAX = 1_000_000

/** Named keys of the pool. */
export const keys: Command = {
  name: 'keys',
  summary: 'lists, creates and revokes named keys',
  usage: 'usage: keys list | create NAME [--role ROLE] [--per-minute N] [--per-day N] | revoke NAME-OR-ID',
  help: `  --role ROLE       claimer (default): claims, and sees its own claims only; operator: may do everything
  --per-minute N    how many claims it may make a minute, 60
  --per-day N       how many claims it may make a day; unlimited

A key is told once, when it is created. Revoking ends it and its sessions at once; what it has claimed stays.`,
  options: { role: { type: 'string' }, 'per-minute': { type: 'string' }, 'per-day': { type: 'string' } },
  positionals: true,
  async run(invocation) {
    const [act, name, ...more] = invocation.positionals
    if (act === 'list' && name === undefined) return list(invocation)
    if (act === 'create' && name !== undefined && more.length === 0) return create(invocation, name)
    if (act === 'revoke' && name !== undefined && more.length === 0) return revoke(invocation, name)
    throw new Usage('say what: list, create NAME, or revoke NAME-OR-ID')
  },
}

async function list({ api, terminal, json }: Invocation): Promise<number> {
  const answer = await api.get('/api/keys', ApiKeys)
  const rows = answer.keys.map((key) => [
    key.id,
    key.name,
    key.role,
    key.claimsPerMinute === null ? null : String(key.claimsPerMinute),
    key.claimsPerDay === null ? null : String(key.claimsPerDay),
    key.lastUsedAt,
    key.revokedAt,
  ])
  if (json) terminal.out(JSON.stringify(answer, null, 2))
  else terminal.out(table([['ID', 'NAME', 'ROLE', 'PER MINUTE', 'PER DAY', 'LAST USED', 'REVOKED'], ...rows]))
  return 0
}

async function create({ api, terminal, values, json }: Invocation, name: string): Promise<number> {
  const role = Role.safeParse(values['role'] ?? 'claimer').data
  if (!role) throw new Usage(`--role takes ${Role.options.join(' or ')}`)
  const claimsPerMinute = number('per-minute', values['per-minute'], PER_MAX)
  const claimsPerDay = number('per-day', values['per-day'], PER_MAX)
  const body = { name, role, ...(claimsPerMinute ? { claimsPerMinute } : {}), ...(claimsPerDay ? { claimsPerDay } : {}) }
  const made = await api.post('/api/keys', body, NewApiKey)
  if (json) terminal.out(JSON.stringify(made, null, 2))
  else {
    const rows = [
      ['id', made.id],
      ['name', made.name],
      ['role', made.role],
      ['key', made.key],
    ]
    terminal.out(`${table(rows)}\n\nKeep it now: it is not shown again.`)
  }
  return 0
}

async function revoke({ api, terminal, json }: Invocation, nameOrId: string): Promise<number> {
  const known = (await api.get('/api/keys', ApiKeys)).keys
  const key = known.find(({ id }) => id === nameOrId) ?? known.find((k) => k.name === nameOrId && k.revokedAt === null)
  if (!key) throw new Refused(`there is no key "${nameOrId}"`)
  const revoked = await api.delete(`/api/keys/${key.id}`, ApiKey)
  terminal.out(json ? JSON.stringify(revoked, null, 2) : `revoked ${revoked.name} (${revoked.id})`)
  return 0
}
