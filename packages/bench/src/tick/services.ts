import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type StatusDetail, StatusRequest } from '@convos/services/contract'

/** A services that knows of every instance that it is healthy, as of `answeredAt`; in a process other than the pool's. */
export async function startHealthyServices(claimOf: (instanceId: string) => string | null) {
  const began = new Date().toISOString()
  const stub = {
    url: '',
    /** Of the latest probes, ISO; who reads something newer than before has something to write down. */
    answeredAt: began,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  }
  const detail = (instanceId: string): StatusDetail => {
    const claimId = claimOf(instanceId)
    return {
      state: 'healthy',
      phaseSince: began,
      deploymentStartedAt: began,
      failures: 0,
      failingSince: null,
      url: `http://127.0.0.1/${instanceId}`,
      image: 'runtime@sha256:0',
      tools: [],
      health: {
        ready: true,
        clean: claimId === null,
        binding: claimId === null ? 'none' : 'active',
        conversationId: claimId && 'conversation',
        inviteUrl: null,
        claimId,
        version: '1',
        lastActivityAt: null,
        at: stub.answeredAt,
      },
    }
  }
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const { instanceIds } = StatusRequest.parse(JSON.parse(Buffer.concat(chunks).toString()))
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify(Object.fromEntries(instanceIds.map((id) => [id, detail(id)]))))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return stub
}
