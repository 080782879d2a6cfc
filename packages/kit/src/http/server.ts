import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Listening {
  server: Server
  port: number
  /** Takes no new connection, lets running requests finish, cuts what still runs after `deadlineMs`. */
  close(deadlineMs: number): Promise<void>
}

export async function listen(handler: RequestListener, port: number, host?: string): Promise<Listening> {
  const server = createServer(handler)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async close(deadlineMs) {
      // close() alone waits for keep-alive connections that were busy when it was called: sweep them as they fall idle
      const sweep = setInterval(() => server.closeIdleConnections(), 50)
      const cut = setTimeout(() => server.closeAllConnections(), deadlineMs)
      await new Promise((resolve) => server.close(resolve))
      clearInterval(sweep)
      clearTimeout(cut)
    },
  }
}
