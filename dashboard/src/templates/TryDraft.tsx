import type { Template } from '@convos/pool/contract'
import { mayUseTemplate } from '@convos/pool/contract'
import { useState } from 'react'
import { useSession } from '../session/session.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import type { Draft } from './draft.ts'
import { useTry } from './useTry.ts'

/** Claims an agent from a template that is being made, after asking: only what the claim form can say is tried. */
export function TryDraft({ draft }: { draft: Draft }) {
  const [asking, setAsking] = useState(false)
  const tryOut = useTry()
  return (
    <>
      <Button className="compact" onClick={() => setAsking(true)}>
        Try it…
      </Button>
      {asking && (
        <Dialog title="Try it before it is saved?" onClose={() => setAsking(false)}>
          <p>
            The claim form gets its name and its instructions; tools and model take part once it is saved. What you wrote here
            waits for you.
          </p>
          <div className="act end">
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button look="primary" onClick={() => tryOut({ templateId: '', draft })}>
              Try the draft
            </Button>
          </div>
        </Dialog>
      )}
    </>
  )
}

/** Claims an agent from a template; with unsaved changes it asks which of the two is meant. */
export function TryTemplate({ template, draft }: { template: Template; draft: Draft | null }) {
  const [asking, setAsking] = useState(false)
  const tryOut = useTry()
  const may = mayUseTemplate(template, useSession())
  const { id: templateId, version } = template
  return (
    <>
      <Button
        className="compact"
        unable={may ? undefined : 'it is private to somebody else; a copy can be tried'}
        onClick={() => (draft ? setAsking(true) : tryOut({ templateId, draft: null }))}
      >
        {draft ? 'Try it…' : 'Try it'}
      </Button>
      {draft && asking && (
        <Dialog title="Try it with what is not saved?" onClose={() => setAsking(false)}>
          <p>
            The claim form gets the name and the instructions that you wrote; tools and model are those of version {version}. What
            you wrote here waits for you.
          </p>
          <div className="act end">
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button onClick={() => tryOut({ templateId, draft: null })}>Try version {version}</Button>
            <Button look="primary" onClick={() => tryOut({ templateId, draft })}>
              Try the draft
            </Button>
          </div>
        </Dialog>
      )}
    </>
  )
}
