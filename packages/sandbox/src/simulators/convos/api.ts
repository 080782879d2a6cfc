import { once } from 'node:events'
import express, { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import { answerError, ConvosError } from './errors.ts'
import {
  Approval,
  Attachment,
  type Conversation,
  ConversationId,
  DisplayName,
  InboxId,
  Kind,
  messagesOf,
  Metadata,
  Signal,
} from './model.ts'
import type { Admission, Network } from './network.ts'
import { streamLog } from './stream.ts'
import { presentAdmission, presentConversation, presentInvite } from './views.ts'

const Title = z.string().trim().max(200)
const Visitor = z.object({ inboxId: InboxId.optional(), name: DisplayName, kind: Kind })
const CreateConversation = z.object({
  id: ConversationId.optional(),
  name: Title.default(''),
  description: z.string().max(2_000).default(''),
  approval: Approval.default('auto'),
  creator: Visitor.default({ name: 'Host', kind: 'person' }),
})
const UpdateConversation = z.object({
  name: Title.optional(),
  description: z.string().max(2_000).optional(),
  approval: Approval.optional(),
  locked: z.boolean().optional(),
})
const Join = Visitor.extend({ waitMs: z.int().min(0).max(25_000).default(0) })
const Decision = z.object({ admit: z.boolean() })
/** A text, or a file that was uploaded here or elsewhere. */
const Send = z
  .object({
    senderInboxId: InboxId,
    /** Chosen by the sender, so that a repeated send is stored once. */
    id: z.string().min(1).max(128).optional(),
    text: z.string().min(1).optional(),
    replyTo: z.string().max(128).optional(),
    attachment: Attachment.optional(),
  })
  .refine(({ text, attachment }) => (text === undefined) !== (attachment === undefined), { message: 'either text or attachment' })
  .transform(({ text, ...rest }) => ({ ...rest, text: text ?? rest.attachment?.filename ?? '' }))
const Explode = z.object({ inboxId: InboxId, expiresAt: z.iso.datetime({ offset: true }).optional() })
const Upload = z.object({ filename: z.string().min(1).max(255) })
/** More than a sandbox needs; it keeps files in memory. */
const FILE_LIMIT = '2mb'
const React = z.object({
  inboxId: InboxId,
  emoji: z.string().min(1).max(32),
  action: z.enum(['added', 'removed']).default('added'),
})
const Profile = z.object({ name: DisplayName.optional(), image: z.string().max(2_000).optional(), metadata: Metadata.optional() })
const Position = z.coerce.number().int().min(0).default(0)

/** The JSON API that the chat page, the `convos` command and tests speak. */
export function apiRoutes(p: {
  network: Network
  inviteUrl: (conversation: Conversation) => string
  fileUrl: (conversationId: string, fileId: string) => string
  closing: AbortSignal
}): Router {
  const { network, closing } = p
  const router = Router()
  const present = (conversation: Conversation) => presentConversation(conversation, p.inviteUrl(conversation))

  router.post('/conversations/:id/files', express.raw({ limit: FILE_LIMIT, type: () => true }), (req, res) => {
    const { id } = req.params
    const { filename } = Upload.parse(req.query)
    const content = z.instanceof(Buffer).parse(req.body)
    const mimeType = req.get('content-type') ?? 'application/octet-stream'
    const fileId = network.upload(id ?? '', { filename, mimeType, data: content.toString('base64') })
    res.status(201).json(Attachment.parse({ url: p.fileUrl(id ?? '', fileId), filename, mimeType, size: content.length }))
  })
  router.use(express.json({ limit: '256kb' }))

  router.get('/conversations/:id/files/:fileId', (req, res) => {
    const file = network.get(req.params.id).files[req.params.fileId]
    if (!file) throw new ConvosError('FILE_NOT_FOUND', 'no such file')
    // to be kept, never shown: anybody may have sent anything
    res.set({ 'x-content-type-options': 'nosniff', 'content-security-policy': "default-src 'none'" })
    res.attachment(file.filename).type(file.mimeType).send(Buffer.from(file.data, 'base64'))
  })

  router.post('/conversations/:id/signals', (req, res) => {
    network.signal(req.params.id, Signal.parse(req.body))
    res.status(204).end()
  })

  router.post('/conversations/:id/explode', (req, res) => {
    network.explode(req.params.id, Explode.parse(req.body))
    res.json(present(network.get(req.params.id)))
  })

  router.post('/conversations', (req, res) => {
    res.status(201).json(present(network.create(CreateConversation.parse(req.body ?? {}))))
  })

  router.get('/inboxes/:inboxId/conversations', (req, res) => {
    res.json({ conversations: network.ofMember(req.params.inboxId).map(present) })
  })

  router.get('/conversations/:id', (req, res) => {
    res.json(present(network.get(req.params.id)))
  })

  router.patch('/conversations/:id', (req, res) => {
    res.json(present(network.update(req.params.id, UpdateConversation.parse(req.body))))
  })

  router.get('/conversations/:id/messages', (req, res) => {
    res.json({ messages: messagesOf(network.get(req.params.id)) })
  })

  router.post('/conversations/:id/messages', (req, res) => {
    res.status(201).json(network.send(req.params.id, Send.parse(req.body)))
  })

  router.post('/conversations/:id/messages/:messageId/reactions', (req, res) => {
    network.react(req.params.id, { messageId: req.params.messageId, ...React.parse(req.body) })
    res.status(204).end()
  })

  router.patch('/conversations/:id/members/:inboxId', (req, res) => {
    res.json(network.updateProfile(req.params.id, req.params.inboxId, Profile.parse(req.body)))
  })

  router.delete('/conversations/:id/members/:inboxId', (req, res) => {
    network.leave(req.params.id, req.params.inboxId)
    res.status(204).end()
  })

  router.post('/conversations/:id/requests/:inboxId', (req, res) => {
    res.json(present(network.decide(req.params.id, req.params.inboxId, Decision.parse(req.body).admit)))
  })

  router.get('/conversations/:id/events', (req, res) => {
    const after = Position.parse(req.get('last-event-id') ?? req.query['after'])
    streamLog(req, res, { network, id: req.params.id, after, closing })
  })

  router.get('/invites/:slug', (req, res) => {
    const conversation = network.byInvite(req.params.slug)
    res.json(presentInvite(conversation, p.inviteUrl(conversation)))
  })

  router.post('/invites/:slug/join', async (req, res) => {
    const { waitMs, ...visitor } = Join.parse(req.body)
    const asked = network.join(req.params.slug, visitor)
    const settled = () => isSettled(network, asked)
    if (waitMs > 0)
      await settledWithin(res, { network, id: asked.conversation.id, settled, signals: [closing, AbortSignal.timeout(waitMs)] })
    // Asked again under the inbox id of the first time, it only tells how things stand.
    res.json(presentAdmission(network.join(req.params.slug, { ...visitor, inboxId: asked.inboxId })))
  })

  router.use((req: Request) => {
    throw new ConvosError('NOT_FOUND', `no ${req.method} ${req.path} here`)
  })
  router.use(answerError)
  return router
}

function isSettled(network: Network, { inboxId, conversation }: Admission): boolean {
  const request = network.find(conversation.id)?.requests.find((each) => each.inboxId === inboxId)
  return !request || request.refused
}

async function settledWithin(
  res: Response,
  p: { network: Network; id: string; settled: () => boolean; signals: AbortSignal[] },
): Promise<void> {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  const signal = AbortSignal.any([...p.signals, gone.signal])
  while (!p.settled() && !signal.aborted) await once(p.network.changes, p.id, { signal }).catch(() => {})
}
