import type { Template } from '@convos/pool/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { templatesQuery } from '../api/queries.ts'
import { updateTemplate } from '../api/templates.ts'
import { Button } from '../ui/Button.tsx'
import { byField, type Faults } from '../ui/faults.ts'
import { Problem } from '../ui/Problem.tsx'
import { toast } from '../ui/toast.tsx'
import { Conflict } from './Conflict.tsx'
import { bodyOf, changedFields, faultsOf, namedFaults } from './draft.ts'
import { keepTemplate, templateQuery } from './queries.ts'
import { SaveBar } from './SaveBar.tsx'
import { TemplateForm } from './TemplateForm.tsx'
import { useCreate } from './useCreate.ts'
import type { Editing } from './useEditing.ts'

interface TemplateEditorProps {
  template: Template
  /** It was deleted since it was read. */
  gone: boolean
  editing: Editing
}

/** Changes a template: what is saved is its next version, and never over somebody else's without asking. */
export function TemplateEditor({ template, gone, editing }: TemplateEditorProps) {
  const { draft, base, changed } = editing
  const [faults, setFaults] = useState<Faults>({})
  const { save, comparing, setComparing } = useSave(template, editing, setFaults)
  const anew = useCreate(editing, setFaults)
  const dirty = changed.length > 0
  const submit = (over: number) => {
    if (!dirty || save.isPending) return
    const found = faultsOf(draft)
    setFaults(found)
    if (Object.keys(found).length === 0) save.mutate(over)
  }
  const error = gone ? anew.error : save.error
  const isOld = dirty && base < template.version
  return (
    <TemplateForm editing={editing} faults={faults} onSave={() => (gone ? anew.begin() : submit(base))}>
      {isOld && (
        <p className="notice" role="status">
          Version {template.version} was saved while you edited version {base}.{' '}
          <Button className="compact" onClick={() => setComparing(true)}>
            Compare
          </Button>
        </p>
      )}
      {error && error.code !== 'VERSION_CONFLICT' && <Problem error={error} isAct />}
      {gone ? (
        <SaveBar editing={editing} act="Save as a new template" busy={anew.isPending} />
      ) : (
        <SaveBar
          editing={editing}
          act={`Save as version ${template.version + 1}`}
          busy={save.isPending}
          unable={dirty ? undefined : 'nothing has changed'}
        />
      )}
      {comparing && isOld && (
        <Conflict
          template={template}
          editing={editing}
          busy={save.isPending}
          onSave={() => submit(template.version)}
          onClose={() => setComparing(false)}
        />
      )}
    </TemplateForm>
  )
}

/** Saves over the version that is named; where that is not the present one any more, both are compared. */
function useSave(template: Template, editing: Editing, setFaults: (faults: Faults) => void) {
  const client = useQueryClient()
  const [comparing, setComparing] = useState(false)
  const { draft, discard } = editing

  const saved = (now: Template) => {
    keepTemplate(client, now)
    discard()
    setComparing(false)
    void toast(`Saved as version ${now.version}`)
  }
  const save = useMutation({
    mutationFn: (over: number) => updateTemplate(template.id, over, bodyOf(draft)),
    onSuccess: saved,
    onError: async (error) => {
      setFaults(byField(namedFaults(error.fields, draft)))
      // the list has to hear of it too
      if (error.status === 404) void client.invalidateQueries({ queryKey: templatesQuery.queryKey })
      if (error.code !== 'VERSION_CONFLICT') return
      const now = await client.fetchQuery({ ...templateQuery(template.id), staleTime: 0 })
      // an answer of ours that was lost, or the same thing saved by somebody else
      if (changedFields(now, draft).length === 0) saved(now)
      else setComparing(true)
    },
  })
  return { save, comparing, setComparing }
}
