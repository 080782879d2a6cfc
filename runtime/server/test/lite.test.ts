import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createLogger, systemClock } from '@convos/kit'
import { expect, test } from 'vitest'
import { liteEngine } from '../src/engine/lite.ts'
import { limits } from '../src/limits.ts'
import { world } from './support/box.ts'

test('what is said in a conversation is not logged, even if the model refuses it word by word', async () => {
  const { config, model } = await world()
  const out = new PassThrough()
  const log = createLogger('test', 'trace', out)
  const { gatewayToken } = config
  const engine = liteEngine({ settings: () => config.model, gatewayToken, describe: () => ({}), clock: systemClock, log, limits })
  model.failures = [400]
  const message = { id: 'm1', senderInboxId: 'i', senderName: 'Alice', fromAgent: false, text: 'my secret', sentAt: '' }
  const turn = { agentName: 'Ada', instructions: '', conversationId: 'v1', session: 0, model: null, history: [], message }
  expect(await engine.respond(turn, new AbortController().signal)).toContain('sorry')
  out.end()
  const logged = await text(out)
  expect(logged).toContain('answered 400')
  expect(logged).not.toContain('my secret')
})
