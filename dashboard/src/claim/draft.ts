import { ClaimRequest } from '@convos/pool/contract'
import { z } from 'zod'
import type { ApiError } from '../api/errors.ts'
import { byField, faultsIn, type Faults } from '../ui/faults.ts'
import { useSessionState } from '../ui/useSessionState.ts'
import type { Attempt } from './attempt.ts'

/** What stands in the form; credentials do not: they are kept nowhere. */
const Draft = z.object({ agentName: z.string(), instructions: z.string(), joinUrl: z.string() })
export type Draft = z.infer<typeof Draft>

export const EMPTY_DRAFT: Draft = { agentName: '', instructions: '', joinUrl: '' }
const WAIT_MS = 60_000

/** The form's text, kept while the tab lives: leaving the page, a reload or a refused claim loses nothing. */
export const useDraft = () => useSessionState('convos.draft', Draft, EMPTY_DRAFT)

/** What is sent: empty fields are left to the template and to pool's defaults, and only with nobody ready it waits. */
export function bodyOf(
  draft: Draft,
  { ready, templateId }: { ready: number | undefined; templateId?: string | undefined },
): Attempt['body'] {
  const agentName = draft.agentName.trim()
  const joinUrl = draft.joinUrl.trim()
  return {
    ...(templateId === undefined ? {} : { templateId }),
    ...(agentName === '' ? {} : { agentName }),
    ...(draft.instructions.trim() === '' ? {} : { instructions: draft.instructions }),
    ...(joinUrl === '' ? {} : { joinUrl }),
    waitMs: ready === 0 ? WAIT_MS : 0,
  }
}

/** What the contract has against a body. */
export const bodyFaults = (body: Attempt['body']): Faults => faultsIn(ClaimRequest.safeParse(body).error)

/** What pool had against it. */
export function refusalFaults(error: ApiError): Faults {
  if (error.code === 'INVALID_INVITE') return { joinUrl: 'This is not a Convos invite link.' }
  if (error.code === 'WRONG_NETWORK') return { joinUrl: 'This invite belongs to another Convos network.' }
  return byField(error.fields)
}
