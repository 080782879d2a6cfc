import { AdmissionView, ConversationView } from '../../src/simulators/convos/views.ts'

/** The network's API as a test uses it: plain requests, and the few that most tests begin with. */
export function convosApi(url: string) {
  async function call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const init = body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}
    const answer = await fetch(`${url}/api${path}`, { method, ...init })
    const text = await answer.text()
    return { status: answer.status, body: text ? JSON.parse(text) : null }
  }
  return {
    call,
    create: async (body: object = {}) => ConversationView.parse((await call('POST', '/conversations', body)).body),
    read: async (id: unknown) => ConversationView.parse((await call('GET', `/conversations/${String(id)}`)).body),
    join: async (slug: unknown, body: object = {}) =>
      AdmissionView.parse((await call('POST', `/invites/${String(slug)}/join`, { name: 'Alice', kind: 'person', ...body })).body),
    send: (id: unknown, senderInboxId: string, text: string, more: object = {}) =>
      call('POST', `/conversations/${String(id)}/messages`, { senderInboxId, text, ...more }),
    texts: async (id: unknown): Promise<string[]> => {
      const { body } = await call('GET', `/conversations/${String(id)}/messages`)
      return (body as { messages: { text: string }[] }).messages.map((message) => message.text)
    },
  }
}
