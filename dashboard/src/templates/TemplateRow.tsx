import type { OfferedTool, Template } from '@convos/pool/contract'
import { Link } from '@tanstack/react-router'
import { gist, toolNames } from '../claim/templates.ts'
import { useSession } from '../session/session.ts'
import { Age } from '../ui/Age.tsx'
import { plural } from '../ui/format.ts'
import { opened } from './view.ts'

interface TemplateRowProps {
  template: Template
  tools: readonly OfferedTool[]
  /** How many agents of it there are; null where that is not known. */
  agents: number | null
  isOpen: boolean
}

/** One template in the list. */
export function TemplateRow({ template, tools, agents, isOpen }: TemplateRowProps) {
  const { principal } = useSession()
  const { id, agentName, instructions, model, visibility, version, creatorId, updatedAt } = template
  return (
    <li>
      <Link
        to="/templates"
        search={opened(id)}
        className="template-row"
        data-open={isOpen}
        {...(isOpen ? { 'aria-current': 'true' } : {})}
      >
        <span className="template-row-head">
          <bdi className="template-name">{agentName}</bdi>
          <span className="hint">
            v{version} · <Age since={updatedAt} />
          </span>
        </span>
        <span className="template-text" dir="auto">
          {gist(instructions)}
        </span>
        <span className="template-brings">
          {toolNames(template, tools).map(({ id: tool, name, yours, missing }) => (
            <span key={tool} className={missing ? 'tag off' : 'tag'}>
              {name}
              {yours && ' · claimer’s'}
              {missing && ' · not available here'}
            </span>
          ))}
          {model.default !== null && <span className="tag model">{model.default}</span>}
          <span className="tag">{visibility}</span>
          {creatorId === principal && <span className="tag">yours</span>}
          {agents !== null && agents > 0 && <span className="tag">{plural(agents, 'agent')}</span>}
        </span>
      </Link>
    </li>
  )
}
