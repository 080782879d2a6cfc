import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { answerAsEdge } from './errors.ts'
import type { VirtualInstance } from './instance.ts'

/** The one listener in front of all virtual instances: the address that a connection came in at says whose it is. */
export function virtualEdge(instances: ReadonlyMap<string, VirtualInstance>, app: RequestListener): Server {
  const server = createServer((req, res) => {
    const instance = instances.get(req.socket.localAddress ?? '')
    if (!instance) return answerAsEdge(req, res, 404)
    if (instance.state !== 'up') {
      instance.wake()
      return answerAsEdge(req, res, 502)
    }
    instance.sockets.add(req.socket)
    res.once('close', () => instance.sockets.delete(req.socket))
    app(req, res)
  })
  // It listens on every address of the machine: from elsewhere nobody gets in.
  return server.on('connection', (socket: Socket) => {
    if (!socket.localAddress?.startsWith('127.')) socket.destroy()
  })
}

/** Listens on every loopback address at once; false when somebody else has the port. */
export const listenOn = (server: Server, port: number) =>
  new Promise<boolean>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error))
    server.once('error', failed).listen(port, '0.0.0.0', () => {
      server.off('error', failed)
      resolve(true)
    })
  })
