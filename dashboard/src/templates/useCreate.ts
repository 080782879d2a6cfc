import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { createTemplate } from '../api/templates.ts'
import { byField, type Faults } from '../ui/faults.ts'
import { toast } from '../ui/toast.tsx'
import { bodyOf, faultsOf, namedFaults } from './draft.ts'
import { keepTemplate } from './queries.ts'
import type { Editing } from './useEditing.ts'
import { opened } from './view.ts'

/** Makes a template of what stands in an editor, and opens it. */
export function useCreate({ draft, discard }: Editing, setFaults: (faults: Faults) => void) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const create = useMutation({
    mutationFn: () => createTemplate(bodyOf(draft)),
    onSuccess: async (template) => {
      keepTemplate(client, template)
      discard()
      await navigate({ to: '/templates', search: opened(template.id), replace: true, ignoreBlocker: true })
      void toast(`${template.agentName} is saved`)
    },
    onError: ({ fields }) => setFaults(byField(namedFaults(fields, draft))),
  })
  return {
    error: create.error,
    isPending: create.isPending,
    begin: () => {
      if (create.isPending) return
      const found = faultsOf(draft)
      setFaults(found)
      if (Object.keys(found).length === 0) create.mutate()
    },
  }
}
