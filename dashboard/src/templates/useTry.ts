import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useAttempt } from '../claim/attempt.ts'
import { useDraft } from '../claim/draft.ts'
import { claimQuery, isUnderWay } from '../claim/query.ts'
import type { Draft } from './draft.ts'

interface Trial {
  /** Empty: without one. */
  templateId: string
  /** What is not saved and to be tried all the same; null: nothing. */
  draft: Pick<Draft, 'agentName' | 'instructions'> | null
}

/** Goes to the claim page with a template, with or without what is not saved of it. */
export function useTry(): (trial: Trial) => void {
  const client = useQueryClient()
  const navigate = useNavigate()
  const { attempt, putAway } = useAttempt()
  const [form, setForm] = useDraft()
  return ({ templateId, draft }) => {
    const last = attempt && client.getQueryState(claimQuery(attempt).queryKey)
    // the result of the last claim would stand where the form is wanted; it stays in the list of claims
    if (last?.status === 'error' || (last?.data && !isUnderWay(last.data))) putAway()
    setForm({ ...form, agentName: draft?.agentName ?? '', instructions: draft?.instructions ?? '' })
    void navigate({ to: '/', search: templateId === '' ? {} : { template: templateId }, ignoreBlocker: true })
  }
}
