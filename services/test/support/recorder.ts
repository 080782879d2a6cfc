import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Recorded {
  method: string
  path: string
  /** Everything that was sent: path, headers and body. */
  sent: string
}

/** Stands between services and the providers, and keeps what services sends. */
export async function startRecorder(target: string) {
  const recorded: Recorded[] = []
  const { hostname, port } = new URL(target)
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks)
      const [method = '', path = ''] = [req.method, req.url]
      recorded.push({ method, path, sent: `${path}\n${JSON.stringify(req.headers)}\n${body.toString('utf8')}` })
      const onwards = forward(
        { hostname, port, method, path, headers: { ...req.headers, host: `${hostname}:${port}` } },
        (answer) => {
          res.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(res)
        },
      )
      onwards.on('error', () => res.destroy())
      onwards.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
