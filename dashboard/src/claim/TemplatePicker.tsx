import type { OfferedTool, Template } from '@convos/pool/contract'
import { useState } from 'react'
import { formatNumber } from '../ui/format.ts'
import { Skeleton } from '../ui/Skeleton.tsx'
import { TemplateCard } from './TemplateCard.tsx'
import { templatesMatching } from './templates.ts'

/** With fewer, all are seen at a glance. */
const SEARCH_FROM = 6

interface TemplatePickerProps {
  /** Undefined until they are known. */
  templates: readonly Template[] | undefined
  truncated: boolean
  tools: readonly OfferedTool[]
  /** The id of the chosen one; empty: none, the claimer writes their own. */
  chosen: string
  onChoose: (id: string) => void
}

/** What kind of agent: a template, or one's own. */
export function TemplatePicker({ templates, truncated, tools, chosen, onChoose }: TemplatePickerProps) {
  const [text, setText] = useState('')
  if (templates === undefined) return <Loading />
  if (templates.length === 0) return null
  const shown = templatesMatching(templates, text)
  // what is chosen stays in sight, whatever is searched for
  const kept = templates.filter(({ id }) => id === chosen && !shown.some((one) => one.id === id))
  return (
    <fieldset className="picker">
      <legend>What kind of agent</legend>
      {templates.length >= SEARCH_FROM && (
        <input
          type="search"
          aria-label="Search templates"
          placeholder={`Search ${formatNumber(templates.length)} templates`}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      <div className="template-cards">
        <label className="template-card">
          <input type="radio" name="template" className="visually-hidden" checked={chosen === ''} onChange={() => onChoose('')} />
          <span className="template-name">Write your own</span>
          <span className="template-text">Name it and tell it what to do.</span>
        </label>
        {[...kept, ...shown].map((template) => (
          <TemplateCard key={template.id} template={template} tools={tools} chosen={template.id === chosen} onChoose={onChoose} />
        ))}
      </div>
      {shown.length === 0 && <p className="hint">No template holds “{text.trim()}”.</p>}
      {truncated && <p className="hint">These are the newest; there are more than can be shown.</p>}
    </fieldset>
  )
}

/** Four are most often enough, and what stands below stays where it is. */
const Loading = () => (
  <fieldset className="picker" aria-busy="true">
    <legend>What kind of agent</legend>
    <div className="template-cards">
      {['one', 'two', 'three', 'four'].map((card) => (
        <div key={card} className="template-card">
          <Skeleton className="w-2/3" />
          <Skeleton className="w-full" />
          <Skeleton className="w-full" />
          <Skeleton className="w-1/3" />
        </div>
      ))}
    </div>
  </fieldset>
)
