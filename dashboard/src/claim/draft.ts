import { ClaimRequest } from '@convos/pool/contract'
import { z } from 'zod'
import type { ApiError } from '../api/errors.ts'
import { sentence } from '../ui/format.ts'
import { useSessionState } from '../ui/useSessionState.ts'
import type { Attempt } from './attempt.ts'

/** What stands in the form; credentials do not: they are kept nowhere. */
const Draft = z.object({ agentName: z.string(), instructions: z.string(), joinUrl: z.string() })
export type Draft = z.infer<typeof Draft>

/** What is wrong, by the path of the field: `agentName`, `userConfig.sms.telnyxPhone`. */
export type Faults = Record<string, string>

export const EMPTY_DRAFT: Draft = { agentName: '', instructions: '', joinUrl: '' }
export const INSTRUCTIONS_MAX_BYTES = 64 * 1024
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
export function bodyFaults(body: Attempt['body']): Faults {
  const { error } = ClaimRequest.safeParse(body)
  return byField(error?.issues.map((issue) => ({ path: issue.path.join('.'), message: inWords(issue) })) ?? [])
}

const inWords = (issue: z.core.$ZodIssue) => (issue.code === 'too_big' ? `at most ${issue.maximum} characters` : issue.message)

/** What pool had against it. */
export function refusalFaults(error: ApiError): Faults {
  if (error.code === 'INVALID_INVITE') return { joinUrl: 'This is not a Convos invite link.' }
  if (error.code === 'WRONG_NETWORK') return { joinUrl: 'This invite belongs to another Convos network.' }
  return byField(error.fields)
}

/** The first that was said of each field. */
const byField = (errors: readonly { path: string; message: string }[]): Faults =>
  Object.fromEntries(errors.toReversed().map(({ path, message }) => [path, sentence(message)]))

export const byteLength = (text: string): number => new TextEncoder().encode(text).length
