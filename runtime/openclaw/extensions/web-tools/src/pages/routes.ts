import type { IncomingMessage, ServerResponse } from 'node:http'
import { check, type Given } from '../forms/form.ts'
import type { FormStore } from '../forms/store.ts'
import { linkKey, openPath } from '../links.ts'
import type { HttpRoute } from '../plugin-api.ts'
import { gatewayToken } from '../settings.ts'
import type { Parts } from '../tools/tool.ts'
import { formPage } from './form-page.ts'
import { notice, PAGE_HEADERS } from './layout.ts'
import { formIdIn, ROOT, STATUS_PATH } from './paths.ts'
import { readStatus } from './status.ts'
import { statusPage } from './status-page.ts'

/** Of a filled-in form. */
const BODY_BYTES = 64 * 1024

interface Answer {
  status: number
  body: string
  headers?: Record<string, string>
}

const FORBIDDEN = { status: 403, body: notice('This link is not good', 'It may be incomplete. Ask the agent for a new one.') }
const EXPIRED = { status: 410, body: notice('This link has ended', 'Ask the agent for a new one.') }
const NOT_FOUND = { status: 404, body: notice('There is nothing here', 'Ask the agent for a new link.') }
const DONE = { status: 200, body: notice('Thank you', 'Your answers are with the agent. Tell it in the chat that you are done.') }
const TAKEN = {
  status: 409,
  body: notice('Not sent', 'This form was filled in already, or its time is over. Ask the agent for a new one.'),
}
const TOO_LARGE = { status: 413, body: notice('Too much', 'Please go back and write less.'), headers: { connection: 'close' } }
const NO_FORM = { status: 415, body: notice('Not sent', 'Only a filled-in form is taken here.') }
const BROKEN = { status: 500, body: notice('Something went wrong', 'Please try again later.') }
const only = (allow: string): Answer => ({
  status: 405,
  body: notice('Not like this', 'This page cannot do that.'),
  headers: { allow },
})

/** What people open in a browser. The address alone is what lets them in: no cookies, so nobody else's page can use it. */
export function pageRoute({ vars, now, log }: Parts, forms: FormStore): HttpRoute {
  async function answer(req: IncomingMessage): Promise<Answer> {
    const current = vars()
    const token = gatewayToken(current)
    if (token === null) return NOT_FOUND
    const link = openPath(linkKey(token), (req.url ?? '').split('?')[0] ?? '', now())
    if (link.state === 'forged') return FORBIDDEN
    if (link.state === 'expired') return EXPIRED
    const formId = formIdIn(link.path)
    if (formId !== null) return await answerForm(req, formId)
    if (link.path !== STATUS_PATH) return NOT_FOUND
    if (!isRead(req)) return only('GET, HEAD')
    return { status: 200, body: statusPage(await readStatus(current, link.expiresAt)) }
  }

  async function answerForm(req: IncomingMessage, id: string): Promise<Answer> {
    const form = forms.find(id, now())
    if (!form) return NOT_FOUND
    if (isRead(req)) return form.answers ? DONE : { status: 200, body: formPage(form) }
    if (req.method !== 'POST') return only('GET, HEAD, POST')
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(req.headers['content-type'] ?? '')) return NO_FORM
    const text = await boundedBody(req)
    if (text === null) return TOO_LARGE
    const values: Given = Object.fromEntries(new URLSearchParams(text))
    const checked = check(form.fields, values)
    if (!checked.ok) return { status: 422, body: formPage(form, { values, errors: checked.errors }) }
    if (!forms.answer(id, checked.answers, now())) return TAKEN
    // so that a reload sends nothing again
    return { status: 303, body: '', headers: { location: req.url ?? '' } }
  }

  return {
    path: ROOT,
    auth: 'plugin',
    match: 'prefix',
    async handler(req, res) {
      let answered: Answer
      try {
        answered = await answer(req)
      } catch (err) {
        log.warn(`a page could not be made: ${err instanceof Error ? err.message : String(err)}`)
        answered = BROKEN
      }
      send(res, answered)
      return true
    },
  }
}

const isRead = ({ method }: IncomingMessage) => method === 'GET' || method === 'HEAD'

/** Null: too large. */
async function boundedBody(req: IncomingMessage): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > BODY_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const send = (res: ServerResponse, { status, body, headers }: Answer) =>
  void res.writeHead(status, { ...PAGE_HEADERS, ...headers }).end(body)
