/** The networks of Convos, by where their invites lead. */
const NETWORKS: Record<string, 'dev' | 'production'> = {
  'https://dev.convos.org': 'dev',
  'https://popup.convos.org': 'production',
}

/** What can be said of an invite while it is being typed; pool has the last word. */
export interface InviteCheck {
  /** `wrong`: it will be refused. `unfinished`: it may become one. */
  verdict: 'empty' | 'good' | 'unfinished' | 'wrong'
  text: string
}

const FORM = 'An invite looks like https://dev.convos.org/v2?i=…'

/** Looks at what stands in the field, on a pool of this environment. */
export function checkInvite(typed: string, environment: string): InviteCheck {
  const text = typed.trim()
  if (text === '') return { verdict: 'empty', text: 'Paste an invite of Convos. Left empty, a new conversation is made.' }
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol)) {
    const begun = 'https://'.startsWith(text) || /^https?:\/\//.test(text)
    return begun ? { verdict: 'unfinished', text: FORM } : { verdict: 'wrong', text: `This is not a link. ${FORM}` }
  }
  const network = NETWORKS[url.origin]
  const ours = environment === 'production' ? 'production' : 'dev'
  if (network !== undefined && network !== ours) {
    return {
      verdict: 'wrong',
      text: `This invite is of the ${network} network of Convos, and this pool makes agents for the ${ours} network. Use an invite made there.`,
    }
  }
  if (!url.pathname.endsWith('/v2') || !url.searchParams.get('i')) return { verdict: 'unfinished', text: FORM }
  return { verdict: 'good', text: `An invite of ${url.host}. The agent asks to join, and someone there lets it in.` }
}
