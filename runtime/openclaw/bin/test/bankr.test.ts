import { describe, expect, test } from 'vitest'
import { bankr } from '../src/bankr.ts'
import { command, provider, ran } from './support.ts'

const KEY = 'bk-a-key-of-the-wallet'
const run = (url: string, args: string[]) => ran(bankr, args, { env: { BANKR_API_KEY: KEY, BANKR_API_URL: url } })
const job = (over: object) => ({ success: true, jobId: 'job_1', threadId: 'thr_1', status: 'completed', ...over })

describe('bankr', () => {
  test('tells the addresses and what is in the wallet', async () => {
    const api = await provider(({ path }) =>
      path === '/wallet/me' ? [200, { success: true, wallets: [{ chain: 'evm', address: '0xabc' }] }] : [200, { total: '1.5' }],
    )
    expect(await run(api.url, ['address'])).toEqual({ code: 0, out: 'evm: 0xabc\n', err: '' })
    expect(await run(api.url, ['balances', '--chains', 'base,solana'])).toMatchObject({ out: '{"total":"1.5"}\n' })
    expect(api.requests.map(({ path, headers }) => [path, headers['x-api-key']])).toEqual([
      ['/wallet/me', KEY],
      ['/wallet/portfolio?chains=base%2Csolana', KEY],
    ])
  })

  test('asks for something and tells what became of it', async () => {
    const api = await provider(({ path }) =>
      path === '/agent/prompt' ? [202, job({ status: 'pending' })] : [200, job({ response: 'ETH is at 4000.' })],
    )
    expect(await run(api.url, ['ask', 'price of ETH', '--thread', 'thr_1'])).toMatchObject({
      code: 0,
      out: 'ETH is at 4000.\n(completed, job job_1, thread thr_1)\n',
    })
    expect(api.requests[0]?.body).toEqual({ prompt: 'price of ETH', threadId: 'thr_1' })
  })

  test('tells of a job that failed, is not done, or was taken back', async () => {
    let status = 'failed'
    const api = await provider(({ path }) => {
      if (path.endsWith('/cancel')) status = 'cancelled'
      return [200, job({ status, error: status === 'failed' ? 'no funds' : null })]
    })
    expect(await run(api.url, ['job', 'job_1'])).toMatchObject({ code: 0, out: 'no funds\n(failed, job job_1, thread thr_1)\n' })
    status = 'processing'
    expect(await run(api.url, ['job', 'job_1'])).toMatchObject({ out: expect.stringContaining('not done yet: bankr job job_1') })
    expect(await run(api.url, ['cancel', 'job_1'])).toMatchObject({ out: expect.stringContaining('cancelled') })
  })

  test('never asks twice for what may have been taken', async () => {
    const api = await provider(() => null)
    const { code, err } = await run(api.url, ['ask', 'send 1 USDC to 0xabc'])
    expect([code, err]).toEqual([1, expect.stringContaining('may have been taken all the same')])
    expect(api.requests).toHaveLength(1)
  })

  test('says what is refused', async () => {
    const api = await provider(() => [403, { error: 'Read-only API key', message: 'This key may only read' }])
    expect(await run(api.url, ['ask', 'swap'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('403: This key may only read'),
    })
  })

  test('is a command, in a process of its own', async () => {
    expect(await command('bankr', ['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('bankr ask <prompt>') })
  })

  test('offers to get a wallet where there is none', async () => {
    const { code, err } = await ran(bankr, ['balances'])
    expect([code, err]).toEqual([1, expect.stringContaining('provision_tool with toolId "crypto"')])
  })
})
