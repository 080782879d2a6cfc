import { z } from 'zod'
import type { Vars } from './environment.ts'
import { call, CallError } from './http.ts'
import { type Given, type Program, Refusal } from './program.ts'

const Settings = z.object({ BANKR_API_KEY: z.string(), BANKR_API_URL: z.url().default('https://api.bankr.bot') })

const Wallet = z.object({ wallets: z.array(z.object({ chain: z.string(), address: z.string() })) })
const Taken = z.object({ jobId: z.string(), threadId: z.string().nullish() })
const Job = z.object({
  jobId: z.string(),
  threadId: z.string().nullish(),
  /** pending | processing | completed | failed | cancelled */
  status: z.string(),
  response: z.string().nullish(),
  error: z.string().nullish(),
})
const PROMPT_CHARS = 10_000
const POLL_EVERY = 2_000
/** A job goes on without us. */
const WAIT = 120_000

/** The agent's own wallet at Bankr. */
export const bankr: Program = {
  name: 'bankr',
  about: 'Your own wallet at Bankr: balances, prices, swaps, transfers, asked for in plain words.',
  commands: {
    address: {
      about: 'tells the addresses of your wallet',
      async run({ vars }) {
        const { wallets } = await call(...get(vars, '/wallet/me', Wallet))
        return wallets.map(({ chain, address }) => `${chain}: ${address}`).join('\n')
      },
    },
    balances: {
      usage: '[--chains base,solana]',
      about: 'tells what is in it',
      options: { chains: { type: 'string' } },
      async run({ vars, values: { chains } }) {
        const query = typeof chains === 'string' ? `?${new URLSearchParams({ chains }).toString()}` : ''
        return JSON.stringify(await call(...get(vars, `/wallet/portfolio${query}`, z.record(z.string(), z.unknown()))))
      },
    },
    ask: {
      args: ['prompt'],
      usage: '[--thread <thread-id>]',
      about: 'has something looked up or done, and waits up to two minutes for it. What moves money is never asked for twice',
      options: { thread: { type: 'string' } },
      run: ask,
    },
    job: {
      args: ['job-id'],
      about: 'tells how far something is that was asked for',
      run: async ({ vars, positionals: [id = ''] }) => told(await jobOf(vars, id)),
    },
    cancel: {
      args: ['job-id'],
      about: 'takes back what is not done yet',
      async run({ vars, positionals: [id = ''] }) {
        const { url, headers } = wallet(vars)
        await call(`${url}/agent/job/${encodeURIComponent(id)}/cancel`, { method: 'POST', headers, reply: z.unknown() })
        return told(await jobOf(vars, id))
      },
    },
  },
}

async function ask({ vars, positionals: [prompt = ''], values: { thread } }: Given): Promise<string> {
  if (prompt.length > PROMPT_CHARS) throw new Refusal(`a prompt has at most ${PROMPT_CHARS} characters`)
  const { url, headers } = wallet(vars)
  const json = { prompt, ...(typeof thread === 'string' && { threadId: thread }) }
  const { jobId } = await call(`${url}/agent/prompt`, { method: 'POST', headers, json, reply: Taken }).catch((err: unknown) => {
    // there is no way to ask whether it arrived
    if (err instanceof CallError && (err.status === null || err.status >= 500))
      throw new Refusal(`${err.message}. It may have been taken all the same: look at the balances before you ask again.`)
    throw err
  })
  const until = performance.now() + WAIT
  for (;;) {
    const job = await jobOf(vars, jobId)
    if (!['pending', 'processing'].includes(job.status) || performance.now() > until) return told(job)
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY))
  }
}

const jobOf = (vars: Vars, id: string) => call(...get(vars, `/agent/job/${encodeURIComponent(id)}`, Job))

function told({ jobId, threadId, status, response, error }: z.infer<typeof Job>): string {
  const more = status === 'pending' || status === 'processing' ? `not done yet: bankr job ${jobId}` : null
  return [response, error, more, `(${status}, job ${jobId}${threadId ? `, thread ${threadId}` : ''})`].filter(Boolean).join('\n')
}

function get<S extends z.ZodType>(vars: Vars, path: string, reply: S) {
  const { url, headers } = wallet(vars)
  return [`${url}${path}`, { headers, reply }] as const
}

/** @throws Refusal when there is none */
function wallet(vars: Vars) {
  const settings = Settings.safeParse(vars).data
  if (!settings)
    throw new Refusal(
      'you have no Bankr wallet yet. Offer to get one: tool provision_tool with toolId "crypto", then try again in a moment.',
    )
  return { url: settings.BANKR_API_URL.replace(/\/+$/, ''), headers: { 'x-api-key': settings.BANKR_API_KEY } }
}
