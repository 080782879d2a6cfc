import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { scoped } from '@convos/sandbox/testing'
import { expect } from 'vitest'
import { AlertNotice } from '../src/contract/index.ts'

const SECRET_PATH = '/hooks/T0-only-the-owner-knows/'

/** Where notices go: keeps what comes and answers as the test says. */
export async function webhook() {
  const hook = {
    url: '',
    notices: [] as AlertNotice[],
    answer: (res: ServerResponse) => void res.writeHead(200).end('ok'),
    /** Code and state of everything that came. */
    told: () => hook.notices.map(({ code, state }) => `${code} ${state}`),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk: Buffer) => (body += chunk.toString()))
    req.on('end', () => {
      expect([req.method, req.url]).toEqual(['POST', SECRET_PATH])
      hook.notices.push(AlertNotice.parse(JSON.parse(body)))
      hook.answer(res)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  hook.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${SECRET_PATH}`
  return scoped(hook)
}
