import type { Template, TemplateVersion } from '@convos/pool/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { updateTemplate } from '../../api/templates.ts'
import { Button } from '../../ui/Button.tsx'
import { Problem } from '../../ui/Problem.tsx'
import { toast } from '../../ui/toast.tsx'
import { useSetSearch } from '../../ui/useUrlText.ts'
import { bodyOf, changedFields } from '../draft.ts'
import { keepTemplate, templateQuery } from '../queries.ts'

interface RestoreProps {
  template: Template
  version: TemplateVersion
  /** There is something that is not saved. */
  dirty: boolean
}

/** Makes what a template was its next version. Nothing is lost by it: what it is now stays in the history. */
export function Restore({ template, version, dirty }: RestoreProps) {
  const client = useQueryClient()
  const setSearch = useSetSearch()
  const restore = useMutation({
    mutationFn: () => updateTemplate(template.id, template.version, bodyOf(version)),
    onSuccess: (now) => {
      keepTemplate(client, now)
      setSearch({ version: '', against: '' })
      void toast(`Version ${version.version} is back, as version ${now.version}`)
    },
    onError: ({ code }) => {
      if (code === 'VERSION_CONFLICT') void client.refetchQueries({ queryKey: templateQuery(template.id).queryKey, exact: true })
    },
  })
  const unable = dirty
    ? 'save or discard your changes first'
    : changedFields(version, template).length === 0
      ? 'the present version says the same'
      : undefined
  return (
    <>
      <Button unable={unable} busy={restore.isPending} onClick={() => restore.mutate()}>
        Restore version {version.version}
      </Button>
      {restore.error && <Problem error={restore.error} isAct />}
    </>
  )
}
