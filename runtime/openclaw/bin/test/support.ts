import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { scoped, temporaryFolder } from '@convos/sandbox/testing'
import { onTestFinished } from 'vitest'
import { type Ended, execute, type Program } from '../src/program.ts'

/** Runs a program within this process, which is faster. */
export const ran = (program: Program, args: string[], p: { env?: Record<string, string>; stdin?: string } = {}): Promise<Ended> =>
  execute(program, args, p.env ?? {}, () => Promise.resolve(p.stdin ?? ''))

/** Runs one of the commands as an agent does: a process with an environment of its own. */
export function command(name: string, args: string[], p: { env?: Record<string, string>; stdin?: string } = {}): Promise<Ended> {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url))
  const env = { PATH: process.env['PATH'] ?? '', ...p.env }
  return new Promise((resolve) => {
    const child = execFile(file, args, { env }, (err, out, stderr) =>
      resolve({ code: err === null ? 0 : Number(err.code ?? -1), out, err: stderr }),
    )
    child.stdin?.end(p.stdin ?? '')
  })
}

/** A file of variables, as the agent server keeps it. */
export async function overlay(text: string): Promise<string> {
  const folder = scoped(temporaryFolder('overlay')).path
  const file = join(folder, 'env.json')
  await writeFile(file, text)
  return file
}

interface Request {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: unknown
}

/** A provider that answers as told: null is no answer at all. */
export async function provider(answer: (req: Request) => [status: number, body: unknown] | null) {
  const requests: Request[] = []
  const server = createServer((req, res) => {
    void (async () => {
      const body: unknown = await json(req).catch(() => null)
      const request = { method: req.method ?? '', path: req.url ?? '', headers: req.headers, body }
      requests.push(request)
      const [status, reply] = answer(request) ?? [null, null]
      if (status === null) return res.destroy()
      return res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
  }
}
