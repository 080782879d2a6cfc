import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import express, { Router } from 'express'
import { ConvosError } from '../errors.ts'
import type { Conversation } from '../model.ts'
import type { Network } from '../network.ts'

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const chatHtml = readFileSync(here('./chat.html'), 'utf8')
const notFoundHtml = readFileSync(here('./not-found.html'), 'utf8')

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer', // the address is the invite
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

/** The page behind an invite link. */
export function pageRoutes(network: Network): Router {
  const router = Router()
  router.use('/assets', express.static(here('./assets'), { index: false }))
  router.get('/v2', (req, res) => {
    res.set(HEADERS).type('html')
    const conversation = conversationBehind(network, req.query['i'])
    if (conversation) res.send(chatHtml.replaceAll('{{name}}', () => escapeHtml(conversation.name || 'Conversation')))
    else res.status(404).send(notFoundHtml)
  })
  return router
}

function conversationBehind(network: Network, slug: unknown): Conversation | null {
  if (typeof slug !== 'string') return null
  try {
    return network.byInvite(slug)
  } catch (error) {
    if (error instanceof ConvosError && error.code === 'INVITE_NOT_FOUND') return null
    throw error
  }
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text as it may stand in markup and in quoted attributes. */
export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
