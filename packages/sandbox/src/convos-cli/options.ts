import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'

/** Whoever called asked for something that cannot be done; they are told on stderr, and the exit code is 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

const OPTIONS = {
  name: text,
  description: text,
  'profile-name': text,
  label: text,
  timeout: text,
  heartbeat: text,
  limit: text,
  home: text,
  version: flag,
  'no-wait': flag,
  'no-invite': flag,
  // The real command takes these too; here there is one network, one format, and everyone may do everything.
  json: flag,
  sync: flag,
  verbose: flag,
  env: text,
  permissions: text,
  'log-level': text,
  'gateway-host': text,
  'app-version': text,
} as const

const Seconds = z.coerce.number().min(0).optional()
const Values = z.object({
  name: z.string().optional(),
  description: z.string().optional(),
  'profile-name': z.string().optional(),
  label: z.string().optional(),
  timeout: Seconds,
  heartbeat: Seconds,
  limit: z.coerce.number().int().min(1).optional(),
  home: z.string().optional(),
  version: z.boolean().optional(),
  'no-wait': z.boolean().default(false),
  'no-invite': z.boolean().default(false),
})
export type Options = z.infer<typeof Values>

const Env = z.object({
  CONVOS_HOME: z.string().min(1).optional(),
  CONVOS_SANDBOX_URL: z.url({ protocol: /^https?$/ }).optional(),
})

export interface Invocation {
  words: string[]
  options: Options
  home: string
  /** Asked for only where the network is needed. */
  networkUrl(): string
}

/** What was typed, and where state and network are. */
export function readInvocation(argv: string[], env: NodeJS.ProcessEnv): Invocation {
  const { values, positionals } = parse(argv)
  const options = checked(Values, values)
  const { CONVOS_HOME, CONVOS_SANDBOX_URL } = checked(Env, env)
  return {
    words: positionals,
    options,
    home: options.home ?? CONVOS_HOME ?? join(homedir(), '.convos'),
    networkUrl() {
      if (!CONVOS_SANDBOX_URL)
        throw new UsageError('CONVOS_SANDBOX_URL is not set: it says where the sandbox’s Convos network is')
      return CONVOS_SANDBOX_URL.replace(/\/$/, '')
    },
  }
}

function parse(argv: string[]) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (!result.success) throw new UsageError(z.prettifyError(result.error))
  return result.data
}
