/** What runs in place of every image here: the smallest process that serves the instance API. */
import { createServer } from 'node:http'

const { PORT, INSTANCE_CONTROL_TOKEN, RAILWAY_PUBLIC_DOMAIN } = process.env
let bound: { claimId: string; agentName: string } | null = null

const health = () => ({
  ready: true,
  clean: bound === null,
  version: '0.0.0',
  binding: bound ? 'active' : 'none',
  conversationId: bound && `conversation of ${bound.claimId}`,
  inviteUrl: bound && `http://${RAILWAY_PUBLIC_DOMAIN}/invite`,
  claimId: bound?.claimId ?? null,
  lastActivityAt: null,
})

createServer((req, res) => {
  let text = ''
  req.on('data', (chunk: Buffer) => (text += chunk.toString()))
  req.on('end', () => {
    const answer = (status: number, body: unknown) =>
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const trusted = req.headers.authorization === `Bearer ${INSTANCE_CONTROL_TOKEN}`
    if (req.url === '/pool/health') {
      const { ready, clean, version } = health()
      return answer(200, trusted ? health() : { ready, clean, version })
    }
    if (!trusted) return answer(401, { code: 'UNAUTHORIZED' })
    const body = JSON.parse(text) as { claimId: string; agentName: string }
    switch (`${req.method} ${req.url}`) {
      case 'POST /pool/provision': {
        if (bound && bound.claimId !== body.claimId) return answer(409, { code: 'FOREIGN_CLAIM' })
        bound = body
        const { conversationId, inviteUrl } = health()
        return answer(200, { ok: true, conversationId, inviteUrl, joined: false, status: 'active' })
      }
      case 'POST /pool/cancel':
        return answer(200, { joined: false })
      default:
        return answer(404, { code: 'NOT_FOUND' })
    }
  })
}).listen(Number(PORT), '127.0.0.1')

process.once('SIGTERM', () => process.exit(0))
