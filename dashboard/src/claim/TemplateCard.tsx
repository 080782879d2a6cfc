import type { OfferedTool, Template } from '@convos/pool/contract'
import { gist, toolNames } from './templates.ts'

interface TemplateCardProps {
  template: Template
  tools: readonly OfferedTool[]
  chosen: boolean
  onChoose: (id: string) => void
}

/** One template: what it is called, what it does, what it brings. */
export const TemplateCard = ({ template, tools, chosen, onChoose }: TemplateCardProps) => (
  <label className="template-card">
    <input type="radio" name="template" className="visually-hidden" checked={chosen} onChange={() => onChoose(template.id)} />
    <bdi className="template-name">{template.agentName}</bdi>
    <span className="template-text" dir="auto">
      {gist(template.instructions)}
    </span>
    <span className="template-brings">
      {toolNames(template, tools).map(({ id, name, yours, missing }) => (
        <span key={id} className={missing ? 'tag off' : 'tag'}>
          {name}
          {yours && ' · yours'}
          {missing && ' · not available here'}
        </span>
      ))}
      {template.model.default !== null && <span className="tag model">{template.model.default}</span>}
      {template.visibility === 'private' && <span className="tag">private</span>}
    </span>
  </label>
)
