import type { Template } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { toolsQuery } from '../api/queries.ts'
import { Preview } from './Preview.tsx'
import { toolChoices } from './tools.ts'
import { modelText, MODE_WORDS, VISIBILITY_WORDS } from './words.ts'

/** A template that is somebody else's: to be read and claimed. */
export function TemplateReader({ template }: { template: Template }) {
  const tools = toolChoices(template, useQuery(toolsQuery).data?.tools ?? []).filter(({ mode }) => mode !== null)
  return (
    <div className="stack">
      <dl className="facts">
        <dt>Tools</dt>
        <dd>
          {tools.length === 0 && 'none'}
          {tools.map(({ id, name, mode, asks }) => (
            <span key={id}>
              {name}: {mode !== null && MODE_WORDS[mode].name.toLowerCase()}
              {mode === 'user' && asks.length > 0 && ` (${asks.join(', ')})`}
            </span>
          ))}
        </dd>
        <dt>Model</dt>
        <dd>{modelText(template.model)}</dd>
        <dt>Who may claim it</dt>
        <dd>{VISIBILITY_WORDS[template.visibility].name}</dd>
      </dl>
      <section className="preview alone-in-place" aria-label="Instructions">
        <div className="preview-text">
          <Preview text={template.instructions} />
        </div>
      </section>
    </div>
  )
}
