import type { Template } from '@convos/pool/contract'
import { useNavigate } from '@tanstack/react-router'
import { Age } from '../ui/Age.tsx'
import { Button } from '../ui/Button.tsx'
import { useSession } from '../session/session.ts'
import { AgentsLink } from './AgentsLink.tsx'
import { DeleteTemplate } from './DeleteTemplate.tsx'
import type { Draft } from './draft.ts'
import { SyncTemplate } from './SyncTemplate.tsx'
import { TryTemplate } from './TryDraft.tsx'
import { opened } from './view.ts'

interface TemplateHeadProps {
  template: Template
  gone: boolean
  /** Whoever is looking may change it. */
  mine: boolean
  /** What is not saved; null: nothing. */
  draft: Draft | null
}

/** What a template is, and what can be done with it. */
export function TemplateHead({ template, gone, mine, draft }: TemplateHeadProps) {
  const navigate = useNavigate()
  const { principal } = useSession()
  const { id, agentName, version, creatorId, updatedAt } = template
  return (
    <header className="template-head">
      <div>
        <h2>
          <bdi>{agentName}</bdi>
        </h2>
        <p className="template-facts">
          <span>version {version}</span>
          <span>
            changed <Age since={updatedAt} /> ago
          </span>
          <span>
            {creatorId === principal ? (
              'yours'
            ) : (
              <>
                by <code>{creatorId}</code>
              </>
            )}
          </span>
          <AgentsLink templateId={id} />
        </p>
      </div>
      <div className="act">
        {!gone && <TryTemplate template={template} draft={draft} />}
        {!(mine && gone) && (
          <Button className="compact" onClick={() => void navigate({ to: '/templates', search: opened('new', id) })}>
            Clone
          </Button>
        )}
        {mine && !gone && (
          <>
            <SyncTemplate template={template} isDirty={draft !== null} />
            <DeleteTemplate template={template} />
          </>
        )}
      </div>
    </header>
  )
}
