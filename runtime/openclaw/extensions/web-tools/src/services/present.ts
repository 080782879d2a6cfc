import type { Credits, OwnTools } from '@convos/services/contract'

type OwnTool = OwnTools['tools'][number]

const STATES: Readonly<Record<string, string>> = {
  none: 'not there',
  creating: 'being made',
  active: 'ready',
  user_provided: 'ready, with credentials of whoever claimed this agent',
  destroying: 'being removed',
  failed: 'failed',
}

/** How a tool is, in a few words. */
export const stateOf = ({ state, allowed }: Pick<OwnTool, 'state' | 'allowed'>) =>
  (STATES[state] ?? state) + (allowed ? (state === 'none' ? ', can be had' : ', can be tried again') : '')

/** What may be told of a tool: plain values, and none whose name speaks of a secret. */
export const factsOf = (config: OwnTool['config']): string[] =>
  Object.entries(config).flatMap(([name, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value) && !/key|token|secret|password/i.test(name)
      ? [`${name}: ${String(value).slice(0, 200)}`]
      : [],
  )

const dollars = (amount: number) => `$${amount.toFixed(2)}`

/** What the agent may still spend on its model, in a sentence. */
export function creditsInWords({ limit, remaining, used, reset, exhausted, at }: Credits): string {
  if (exhausted === 'account_empty')
    return 'The account that pays for this agent is empty: it cannot think until somebody fills it.'
  const spent = used === null ? '' : ` ${dollars(used)} were used.`
  const renewed = reset === null ? '' : ` The limit starts anew: ${reset}.`
  const measured = at === null ? ' Nothing was measured yet.' : ` Measured at ${at}.`
  const left =
    exhausted === 'key_limit' || remaining === 0
      ? 'Nothing is left.'
      : remaining === null
        ? 'There is no limit that is known.'
        : `${dollars(remaining)} are left${limit === null ? '' : ` of ${dollars(limit)}`}.`
  return left + spent + renewed + measured
}
