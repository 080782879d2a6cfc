import { ClaimRequest } from '@convos/pool/contract'
import { z } from 'zod'
import type { ApiError } from '../api/errors.ts'
import { sentence } from '../ui/format.ts'
import { useSessionState } from '../ui/useSessionState.ts'
import type { Attempt } from './attempt.ts'

/** What stands in the form. */
const Draft = z.object({ agentName: z.string(), instructions: z.string(), joinUrl: z.string() })
export type Draft = z.infer<typeof Draft>
export type DraftErrors = Partial<Record<keyof Draft, string>>

export const EMPTY_DRAFT: Draft = { agentName: '', instructions: '', joinUrl: '' }
export const INSTRUCTIONS_MAX_BYTES = 64 * 1024
const WAIT_MS = 60_000

/** The form's text, kept while the tab lives: leaving the page, a reload or a refused claim loses nothing. */
export const useDraft = () => useSessionState('convos.draft', Draft, EMPTY_DRAFT)

/** What is sent: empty fields are left to pool's defaults, and only with nobody ready it waits. */
export function bodyOf(draft: Draft, ready: number | undefined): Attempt['body'] {
  const agentName = draft.agentName.trim()
  const joinUrl = draft.joinUrl.trim()
  return {
    ...(agentName === '' ? {} : { agentName }),
    ...(draft.instructions.trim() === '' ? {} : { instructions: draft.instructions }),
    ...(joinUrl === '' ? {} : { joinUrl }),
    waitMs: ready === 0 ? WAIT_MS : 0,
  }
}

/** What the contract has against a body, by field; empty when nothing. */
export function draftErrors(body: Attempt['body']): DraftErrors {
  const { error } = ClaimRequest.safeParse(body)
  return byField(error?.issues.map((issue) => ({ path: issue.path.join('.'), message: inWords(issue) })) ?? [])
}

const inWords = (issue: z.core.$ZodIssue) => (issue.code === 'too_big' ? `at most ${issue.maximum} characters` : issue.message)

/** What pool had against it, by field. */
export function refusalErrors(error: ApiError): DraftErrors {
  if (error.code === 'INVALID_INVITE') return { joinUrl: 'This is not a Convos invite link' }
  if (error.code === 'WRONG_NETWORK') return { joinUrl: 'This invite belongs to another Convos network' }
  return byField(error.fields)
}

const isField = (path: string): path is keyof Draft => path in EMPTY_DRAFT

function byField(errors: { path: string; message: string }[]): DraftErrors {
  const found: DraftErrors = {}
  for (const { path, message } of errors) if (isField(path)) found[path] ??= sentence(message)
  return found
}

export const byteLength = (text: string): number => new TextEncoder().encode(text).length

/** The button tells the truth about what pressing it does now. */
export function claimLabel(ready: number | undefined): string {
  if (ready === undefined) return 'Claim agent'
  return ready === 0 ? 'Wait for an agent' : `Claim agent — ${ready} ready`
}
