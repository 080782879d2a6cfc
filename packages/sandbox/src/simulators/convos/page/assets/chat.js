// The page behind an invite link. All text reaches the document through textContent, so nothing that anyone writes is markup.
import { join, openLog, send } from './network.js'

const $ = (id) => document.getElementById(id)
const slug = new URLSearchParams(location.search).get('i')
const identityKey = `convos:${slug}`
/** Whoever says that they type says it again before this is over, or does not type any more. */
const TYPING_MS = 12_000
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })

const say = (text) => ($('status').textContent = text)

const savedIdentity = () => JSON.parse(localStorage.getItem(identityKey) ?? 'null')

const known = savedIdentity()
if (known) void enter(known)
else showJoin()

function showJoin() {
  $('join').hidden = false
  $('your-name').select()
}

$('join').addEventListener('submit', (event) => {
  event.preventDefault()
  const name = $('your-name').value.trim()
  if (name) void enter({ ...savedIdentity(), name })
})

async function enter(identity) {
  const button = $('join').querySelector('button')
  button.disabled = true
  say('')
  try {
    let admission = await join(slug, identity)
    identity = { ...identity, inboxId: admission.inboxId }
    localStorage.setItem(identityKey, JSON.stringify(identity))
    $('join').hidden = true
    while (admission.status === 'request_sent') {
      say('Your request has been sent. Waiting to be let in.')
      admission = await join(slug, identity, 20_000)
    }
    const refused = admission.status === 'refused'
    say(refused ? 'Your request to join was declined.' : '')
    if (!refused) showChat(admission.conversationId, admission.inboxId)
  } catch (error) {
    showJoin()
    say(`Could not join: ${error.message}. You can try again.`)
  } finally {
    button.disabled = false
  }
}

function showChat(conversationId, me) {
  const members = new Map()
  /** The messages shown, by their ids. */
  const articles = new Map()
  /** Who is typing, and the timer that forgets it. */
  const typing = new Map()
  $('chat').hidden = false
  $('members').hidden = false
  $('message').focus()
  composeWith(conversationId, me)

  const nameOf = (inboxId) => (inboxId === me ? 'You' : (members.get(inboxId)?.name ?? 'Someone'))
  const showMembers = () => $('members').replaceChildren(...[...members.values()].map((member) => memberItem(member, me)))

  const showTyping = () => {
    const names = [...typing.keys()].map(nameOf)
    $('typing').textContent = names.length === 0 ? '' : `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} typing…`
  }
  const setTyping = (inboxId, isTyping) => {
    clearTimeout(typing.get(inboxId))
    typing.delete(inboxId)
    if (isTyping)
      typing.set(
        inboxId,
        setTimeout(() => setTyping(inboxId, false), TYPING_MS),
      )
    showTyping()
  }

  const show = {
    message({ message }) {
      const article = messageArticle(message, me, articles.get(message.replyTo)?.text)
      articles.set(message.id, { node: article, text: message.text, reactions: new Map() })
      append(article, message.senderInboxId === me)
    },
    reaction({ messageId, inboxId, emoji, action }) {
      const article = articles.get(messageId)
      if (!article) return
      const by = article.reactions.get(emoji) ?? new Set()
      if (action === 'added') by.add(inboxId)
      else by.delete(inboxId)
      article.reactions.set(emoji, by)
      showReactions(article, nameOf)
    },
    member_joined({ member }) {
      members.set(member.inboxId, member)
      showMembers()
      append(note(`${nameOf(member.inboxId)} joined`))
    },
    member_left({ inboxId }) {
      append(note(`${nameOf(inboxId)} left`))
      members.delete(inboxId)
      showMembers()
    },
    profile_updated({ inboxId, name }) {
      append(note(`${members.get(inboxId)?.name ?? 'Someone'} is now called ${name}`))
      members.set(inboxId, { ...members.get(inboxId), inboxId, name })
      showMembers()
    },
    exploded({ inboxId, expiresAt }) {
      const isOver = Date.parse(expiresAt) <= Date.now()
      append(
        note(`${nameOf(inboxId)} ended this conversation${isOver ? '' : ` from ${new Date(expiresAt).toLocaleString()} on`}.`),
      )
      if (isOver) $('compose').hidden = true
    },
    conversation_updated({ name }) {
      $('name').textContent = name || 'Conversation'
      document.title = `${name || 'Conversation'} · Convos`
    },
  }

  openLog(conversationId, {
    entry: (entry) => show[entry.type]?.(entry),
    signal: ({ type, inboxId, isTyping }) => {
      if (type === 'typing' && inboxId !== me) setTyping(inboxId, isTyping)
    },
    // What was said before is not news to announce; what comes from now on is.
    caughtUp: () => $('log').setAttribute('aria-busy', 'false'),
    state: (state) =>
      say({ open: '', lost: 'Connection lost. Trying again.', gone: 'This conversation no longer exists.' }[state]),
  })
}

function composeWith(conversationId, me) {
  const input = $('message')
  // One after the other, so that messages arrive in the order in which they were written.
  let outbox = Promise.resolve()

  $('compose').addEventListener('submit', (event) => {
    event.preventDefault()
    const text = input.value
    if (!text.trim()) return
    input.value = ''
    outbox = outbox
      .then(() => send(conversationId, { senderInboxId: me, text }, () => say('Not sent yet. Trying again.')))
      .then((retried) => retried && say(''))
      .catch((error) => {
        say(`Not sent: ${error.message}.`)
        input.value ||= text
      })
  })
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    $('compose').requestSubmit()
  })
}

function append(node, always = false) {
  const log = $('log')
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80
  log.append(node)
  if (atEnd || always) log.scrollTop = log.scrollHeight
}

function element(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties)
  node.append(...children)
  return node
}

const note = (text) => element('p', { className: 'note', dir: 'auto', textContent: text })

function memberItem({ inboxId, name, kind }, me) {
  const suffix = inboxId === me ? ' (you)' : kind === 'agent' ? ' (agent)' : ''
  return element('li', { dir: 'auto', textContent: name + suffix })
}

/** One chip for each emoji that somebody left, with their names. */
function showReactions({ node, reactions }, nameOf) {
  const chips = [...reactions]
    .filter(([, by]) => by.size > 0)
    .map(([emoji, by]) => element('li', { textContent: `${emoji} ${[...by].map(nameOf).join(', ')}`, dir: 'auto' }))
  node.querySelector('.reactions')?.remove()
  if (chips.length > 0) node.append(element('ul', { className: 'reactions', ariaLabel: 'Reactions' }, ...chips))
}

/** A file is offered to be kept. Only addresses of the web are followed. */
function attachmentLink({ url, filename, size }) {
  const label = `${filename} (${Math.ceil(size / 1024)} KiB)`
  if (!/^https?:/.test(url)) return label
  return element('a', { href: url, download: filename, rel: 'noreferrer', target: '_blank', textContent: label })
}

function messageArticle({ senderInboxId, senderName, text, sentAt, attachment }, me, quoted) {
  const own = senderInboxId === me
  const time = element('time', {
    dateTime: sentAt,
    textContent: clock.format(new Date(sentAt)),
    title: new Date(sentAt).toLocaleString(),
  })
  return element(
    'article',
    { className: own ? 'own' : '' },
    element('p', { className: 'from' }, element('b', { textContent: own ? 'You' : senderName, dir: 'auto' }), ' · ', time),
    ...(quoted === undefined ? [] : [element('p', { className: 'quoted', dir: 'auto', textContent: shortened(quoted) })]),
    element('p', { className: 'text', dir: 'auto' }, attachment ? attachmentLink(attachment) : text),
  )
}

const shortened = (text) => (text.length > 80 ? `${text.slice(0, 80)}…` : text)
