import { secretsOf, type Vars } from '@convos/agent-commands/environment'
import { z } from 'zod'
import type { AgentTool, PluginApi } from '../plugin-api.ts'
import { wordsFor } from '../refusal.ts'

/** What tools and pages are made of. */
export interface Parts {
  /** As they are at this moment. */
  vars: () => Vars
  now: () => Date
  log: PluginApi['logger']
}

export interface Run {
  vars: Vars
  now: Date
  signal: AbortSignal | undefined
}

/** An agent reads all of it, and pays for it. */
const OUTPUT_CHARS = 12_000

/** A tool whose input is checked, whose failures are words, and whose output holds no secret. */
export function defineTool<S extends z.ZodType>(
  { vars, now, log }: Parts,
  tool: {
    name: string
    label: string
    description: string
    input: S
    /** What the agent reads. @throws Refusal, CallError */
    run(input: z.output<S>, run: Run): Promise<string> | string
  },
): AgentTool {
  const { name, label, description, input } = tool
  const parameters = z.toJSONSchema(input, { io: 'input', target: 'draft-7' })
  return {
    name,
    label,
    description,
    parameters,
    async execute(_callId, params, signal) {
      let secrets: string[] = []
      const result = (text: string, ok: boolean) => ({
        content: [{ type: 'text' as const, text: safe(text, secrets) }],
        details: { ok },
      })
      try {
        const current = vars()
        secrets = secretsOf(current)
        const parsed = input.safeParse(params ?? {})
        if (!parsed.success) return result(`The input is not right:\n${z.prettifyError(parsed.error)}`, false)
        return result(await tool.run(parsed.data, { vars: current, now: now(), signal }), true)
      } catch (err) {
        signal?.throwIfAborted()
        const words = wordsFor(err)
        if (words === null) log.warn(safe(`${name} failed: ${err instanceof Error ? err.message : String(err)}`, secrets))
        return result(words ?? 'This went wrong on this machine. Trying again will hardly help; tell the chat.', false)
      }
    },
  }
}

function safe(text: string, secrets: readonly string[]): string {
  const clean = secrets.reduce((rest, secret) => rest.replaceAll(secret, '[hidden]'), text)
  return clean.length <= OUTPUT_CHARS
    ? clean
    : `${clean.slice(0, OUTPUT_CHARS)}\n[… ${clean.length - OUTPUT_CHARS} more characters left out]`
}
