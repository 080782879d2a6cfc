import { useMutation, useQueryClient } from '@tanstack/react-query'
import { changeInstance } from '../../api/instances.ts'
import { instanceQuery } from '../queries.ts'

/** Changes protection or end; the answer is shown at once, the stream tells everybody else. */
export function useChange(id: string, onDone: () => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (change: Parameters<typeof changeInstance>[1]) => changeInstance(id, change),
    onSuccess: (now) => {
      client.setQueryData(instanceQuery(id).queryKey, (known) => known && { ...known, ...now })
      onDone()
    },
  })
}
