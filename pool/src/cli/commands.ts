import { Usage } from '@convos/kit'
import { Claim, Operation, PoolStatus } from '../contract/index.ts'
import { canary } from './canary/command.ts'
import { type Command, number } from './command.ts'
import { follow } from './follow.ts'
import { keys } from './keys.ts'
import { reconcile } from './reconcile.ts'
import { rollout } from './rollout.ts'
import { table } from './table.ts'
import { templates } from './templates.ts'

const CLAIM_ANSWER_MS = 35_000

const claim: Command = {
  name: 'claim',
  summary: 'claims an agent and prints its invite',
  usage:
    'usage: claim [--name NAME] [--template ID] [--instructions TEXT] [--join URL] [--model MODEL] [--wait SECONDS] [--once KEY]',
  help: `  --name NAME          what the agent is called
  --template ID        the template that it is made from; the other options override it
  --instructions TEXT  what it is to do
  --join URL           an invite to join, instead of a conversation of its own
  --model MODEL        the model it thinks with
  --wait SECONDS       how long to wait when no instance is ready, at most 60
  --once KEY           the same key claims the same agent, however often it is asked for`,
  options: {
    name: { type: 'string' },
    template: { type: 'string' },
    instructions: { type: 'string' },
    join: { type: 'string' },
    model: { type: 'string' },
    wait: { type: 'string' },
    once: { type: 'string' },
  },
  async run({ api, terminal, values, json }) {
    const waitMs = (number('wait', values['wait'], 60) ?? 0) * 1000
    const fields = {
      agentName: values['name'],
      templateId: values['template'],
      instructions: values['instructions'],
      joinUrl: values['join'],
      model: values['model'],
    }
    const body = { ...Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined)), waitMs }
    const once = values['once']
    const headers = typeof once === 'string' ? { 'idempotency-key': once } : {}
    const answer = await api.post('/api/pool/claim', body, Claim, { timeoutMs: waitMs + CLAIM_ANSWER_MS, headers })
    if (json) terminal.out(JSON.stringify(answer, null, 2))
    else {
      const { agentName, status, claimId, instanceId, inviteUrl } = answer
      terminal.out(
        table([
          ['agent', agentName],
          ['status', status],
          ['claim', claimId],
          ['instance', instanceId],
          ['invite', inviteUrl],
        ]),
      )
    }
    return 0
  },
}

const drain: Command = {
  name: 'drain',
  summary: 'ends instances that nobody has claimed',
  usage: 'usage: drain --count N | --all | ID… [--no-refill]',
  help: `  --count N      the N oldest ready ones
  --all          every ready and every starting one
  ID…            these
  --no-refill    pause the refill as well`,
  options: { count: { type: 'string' }, all: { type: 'boolean' }, 'no-refill': { type: 'boolean' } },
  positionals: true,
  async run({ api, terminal, values, positionals, json }) {
    const count = number('count', values['count'], 1000)
    const ways = [count !== undefined, values['all'] === true, positionals.length > 0].filter(Boolean)
    if (ways.length !== 1) throw new Usage('say which: --count N, --all, or ids')
    const which = count !== undefined ? { count } : values['all'] === true ? { all: true } : { ids: positionals }
    const body = { ...which, refill: values['no-refill'] !== true }
    return follow({ api, terminal, json }, await api.post('/api/pool/drain', body, Operation))
  },
}

const replenish: Command = {
  name: 'replenish',
  summary: 'adds instances, or fills up to the target',
  usage: 'usage: replenish [--count N]',
  help: '  --count N     so many more, at most 20; without it the stock is filled up to its target',
  options: { count: { type: 'string' } },
  async run({ api, terminal, values, json }) {
    const count = number('count', values['count'], 20)
    return follow({ api, terminal, json }, await api.post('/api/pool/replenish', count === undefined ? {} : { count }, Operation))
  },
}

const status: Command = {
  name: 'status',
  summary: 'shows how the pool is',
  usage: 'usage: status',
  help: '',
  options: {},
  async run({ api, terminal, json }) {
    const now = await api.get('/api/pool/status', PoolStatus)
    if (json) {
      terminal.out(JSON.stringify(now, null, 2))
      return 0
    }
    const counts = Object.entries(now.counts).map(([name, n]) => `${n} ${name}`)
    terminal.out(`${counts.join(' · ')}   (target ${now.target} idle)`)
    if (now.held) terminal.out(`refill held back: ${now.held.reason}${now.held.until ? `, until ${now.held.until}` : ''}`)
    const rows = now.instances.map((i) => [i.id, i.status, i.phase ?? '', i.agentName ?? '', i.statusReason ?? ''])
    if (rows.length > 0) terminal.out(`\n${table([['ID', 'STATUS', 'PHASE', 'AGENT', 'REASON'], ...rows])}`)
    if (now.truncated) terminal.out('… and more')
    return 0
  },
}

export const COMMANDS: readonly Command[] = [claim, drain, replenish, status, rollout, reconcile, templates, keys, canary]
