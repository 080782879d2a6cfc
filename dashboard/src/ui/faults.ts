import type { z } from 'zod'
import { sentence } from './format.ts'

/** What is wrong, by the path of the field: `agentName`, `userConfig.sms.telnyxPhone`. */
export type Faults = Record<string, string>

/** The first that was said of each field. */
export const byField = (errors: readonly { path: string; message: string }[]): Faults =>
  Object.fromEntries(errors.toReversed().map(({ path, message }) => [path, sentence(message)]))

/** What a schema has against a body. */
export const faultsIn = (error: z.ZodError | undefined): Faults =>
  byField(error?.issues.map((issue) => ({ path: issue.path.join('.'), message: inWords(issue) })) ?? [])

const inWords = (issue: z.core.$ZodIssue) => (issue.code === 'too_big' ? `at most ${issue.maximum} characters` : issue.message)

/** The others. */
export const without = (faults: Faults, fields: readonly string[]): Faults =>
  Object.fromEntries(Object.entries(faults).filter(([field]) => !fields.includes(field)))
