import type { Credits, OwnTools } from '@convos/services/contract'
import { creditsInWords, factsOf, stateOf } from '../services/present.ts'
import { html } from './html.ts'
import { page } from './layout.ts'

/** What is known of the agent; a sentence where it could not be found out. */
export interface Status {
  agent: { name: string | null; ready: boolean; conversationId: string | null } | string
  tools: OwnTools['tools'] | string
  credits: Credits | string
  expiresAt: Date
}

export function statusPage({ agent, tools, credits, expiresAt }: Status): string {
  const name = typeof agent === 'string' ? null : agent.name
  return page(
    name ?? 'Your agent',
    html`
      <h2>Agent</h2>
      ${
        typeof agent === 'string'
          ? html`<p>${agent}</p>`
          : html`<dl>
              <dt>State</dt>
              <dd>${agent.ready ? 'ready' : 'not ready'}</dd>
              <dt>Conversation</dt>
              <dd>${agent.conversationId ?? 'none yet'}</dd>
            </dl>`
      }
      <h2>Tools</h2>
      ${
        typeof tools === 'string'
          ? html`<p>${tools}</p>`
          : html`<dl>
              ${tools.map(
                (tool) =>
                  html`<dt>${tool.name}</dt>
                    <dd>${stateOf(tool)}</dd>
                    ${factsOf(tool.config).map((fact) => html`<dd class="soft">${fact}</dd>`)}`,
              )}
            </dl>`
      }
      <h2>Credits</h2>
      <p>${typeof credits === 'string' ? credits : creditsInWords(credits)}</p>
      <p class="soft">This link works until ${expiresAt.toISOString()}.</p>
    `,
  )
}
