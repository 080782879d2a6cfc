import { type AddressInfo, createServer } from 'node:net'

/** A port that nobody listens on, on loopback. Somebody may take it before the gateway does; then the gateway ends and gets another one. */
export async function freeLoopbackPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
