import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openrouter } from '../src/plugins/openrouter.ts'

const PAGE = 100

/** A provider with `count` keys, newest first; `afterPage` runs between two pages. */
async function providerOf(count: number, afterPage: (keys: { hash: string; name: string }[]) => void) {
  const keys = Array.from({ length: count }, (_, i) => ({ hash: `h${i}`, name: `n${i}` }))
  const server = createServer((req, res) => {
    const offset = Number(new URL(req.url ?? '', 'http://x').searchParams.get('offset'))
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data: keys.slice(offset, offset + PAGE) }))
    afterPage(keys)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { keys, plugin: openrouter({ url, managementKey: 'm', limit: 1, limitReset: 'monthly' }, () => {}) }
}

test('every key is listed once, however many pages there are', async () => {
  const { keys, plugin } = await providerOf(250, () => {})
  const listed = await plugin.external?.list()
  expect(listed?.map(({ resourceId }) => resourceId)).toEqual(keys.map(({ hash }) => hash))
})

test('keys that are deleted or made while the list is read hide no other', async () => {
  const { keys, plugin } = await providerOf(250, (all) => void all.splice(0, 10))
  const listed = new Set((await plugin.external?.list())?.map(({ resourceId }) => resourceId))
  for (const { hash } of keys) expect(listed).toContain(hash)
})
