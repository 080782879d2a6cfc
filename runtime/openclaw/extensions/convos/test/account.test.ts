import { AsyncLocalStorage } from 'node:async_hooks'
import type { AccountContext, PluginRuntime } from 'openclaw/plugin-sdk/channel-core'
import { expect, onTestFinished, test } from 'vitest'
import { AccountHolder } from '../src/account.ts'

/** As the gateway starts it; what becomes of its status is noted in `said`. */
function startAccount(prepare: () => Promise<void>) {
  const holder = new AccountHolder(prepare)
  // only what is handed on
  holder.setRuntime({ channel: {} } as PluginRuntime)
  const stop = new AbortController()
  const said: unknown[] = []
  const ctx: AccountContext = {
    cfg: {},
    account: { accountId: 'default', enabled: true, configured: true },
    abortSignal: stop.signal,
    setStatus: (status) => void said.push(status['running']),
  }
  const over = holder.start(ctx)
  onTestFinished(async () => {
    stop.abort()
    await over
  })
  return { holder, said, stop, over }
}

test('nothing is handed to the account, and it says nothing of itself, before it is prepared', async () => {
  const prepared = Promise.withResolvers<void>()
  const { holder, said, stop, over } = startAccount(() => prepared.promise)
  await new Promise(setImmediate)
  expect([holder.running, said]).toEqual([null, []])
  prepared.resolve()
  await new Promise(setImmediate)
  expect([holder.running !== null, said]).toEqual([true, [true]])
  stop.abort()
  await over
  expect([holder.running, said]).toEqual([null, [true, false]])
})

test('what is handed to it runs in its own async context, not in that of the request that brought it', async () => {
  const context = new AsyncLocalStorage<string>()
  const { holder } = context.run('the account', () => startAccount(() => Promise.resolve()))
  await new Promise(setImmediate)
  const seen = await context.run('a request', () =>
    holder.running?.run(async () => {
      await new Promise(setImmediate)
      return context.getStore()
    }),
  )
  expect(seen).toBe('the account')
})
