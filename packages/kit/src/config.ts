import { z } from 'zod'

/** What is wrong with one variable, in words; never its value. */
export interface EnvFault {
  name: string
  message: string
}

/** The environment cannot be used. */
export class UnusableEnv extends Error {
  override name = 'UnusableEnv'
  readonly faults: readonly EnvFault[]

  constructor(faults: readonly EnvFault[]) {
    super(`The environment is not usable:\n${faults.map(({ name, message }) => `  ${name}: ${message}`).join('\n')}`)
    this.faults = faults
  }
}

/**
 * Parses the environment once. An empty value counts as absent; all faults are reported together, by name and never by value.
 * @throws UnusableEnv naming every faulty variable
 */
export function readEnv<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = schema.safeParse(present)
  if (parsed.success) return parsed.data
  throw new UnusableEnv(parsed.error.issues.map((issue) => ({ name: nameOf(issue), message: describe(issue) })))
}

/** Of values that are lists it does not matter which entry it is. */
const nameOf = ({ path }: z.core.$ZodIssue) => path.filter((part) => typeof part === 'string').join('.') || 'environment'

const describe = (issue: z.core.$ZodIssue) =>
  issue.code === 'invalid_type' && issue.message.endsWith('received undefined') ? 'is required' : issue.message

/** A whole number within bounds, e.g. a port or a duration in ms. */
export const envInt = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))

/** An http(s) URL without a trailing slash. */
export const envUrl = z
  .string()
  .refine((s) => URL.canParse(s) && /^https?:$/.test(new URL(s).protocol), 'must be an http(s) URL')
  .transform((s) => s.replace(/\/+$/, ''))

/** A secret long enough not to be guessed. */
export const envSecret = z.string().min(16, 'must have at least 16 characters')

/** Values separated by commas; at least one. */
export const envList = z
  .string()
  .transform((s) =>
    s
      .split(',')
      .map((v) => v.trim())
      .filter(Boolean),
  )
  .pipe(z.array(z.string()).min(1, 'must name at least one value'))

/** One secret, or two while it is being replaced: the first is the one to use, both are accepted. */
export const envSecrets = envList.pipe(
  z
    .tuple([envSecret])
    .rest(envSecret)
    .refine((all) => all.length <= 2, 'takes one value, or two while rotating'),
)
