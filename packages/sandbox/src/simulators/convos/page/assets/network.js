// What the chat page asks of the network. Addresses are relative: the page stands beside the API.

async function post(path, body) {
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(path, request).catch((cause) => {
    throw new Error('the server cannot be reached', { cause })
  })
  const answer = await response.json().catch(() => null)
  if (response.ok) return answer
  throw Object.assign(new Error(answer?.error?.message ?? `the server answered ${response.status}`), { status: response.status })
}

/** Joins, or asks to; with `waitMs` the answer waits for a decision that long. Safe to repeat with the inbox id of the answer. */
export function join(slug, { inboxId, name }, waitMs = 0) {
  return post(`api/invites/${encodeURIComponent(slug)}/join`, { inboxId, name, kind: 'person', waitMs })
}

/** Sends until it is stored or refused, under one id, so that it is stored once; tells whether that took more than one try. */
export async function send(conversationId, message, onDelay) {
  const id = crypto.randomUUID()
  for (let delayMs = 500, retried = false; ; delayMs = Math.min(delayMs * 2, 5_000), retried = true) {
    try {
      await post(`api/conversations/${conversationId}/messages`, { ...message, id })
      return retried
    } catch (error) {
      if (error.status >= 400 && error.status < 500) throw error
      onDelay()
      await new Promise((resolve) => setTimeout(resolve, delayMs))
    }
  }
}

/** Follows the log from its beginning; the browser reconnects by itself and names the last entry that it has. */
export function openLog(conversationId, on) {
  const source = new EventSource(`api/conversations/${conversationId}/events?after=0`)
  let head = Infinity
  let seen = 0
  source.addEventListener('hello', (event) => {
    head = JSON.parse(event.data).cursor
    on.state('open')
    if (seen >= head) on.caughtUp()
  })
  source.addEventListener('message', (event) => {
    const entry = JSON.parse(event.data)
    seen = entry.seq
    on.entry(entry)
    if (seen === head) on.caughtUp()
  })
  source.addEventListener('signal', (event) => on.signal(JSON.parse(event.data)))
  source.addEventListener('error', () => on.state(source.readyState === EventSource.CLOSED ? 'gone' : 'lost'))
}
