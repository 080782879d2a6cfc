import type { OfferedTool, Template } from '@convos/pool/contract'
import type { Faults } from '../ui/faults.ts'

/** What is asked of the claimer for one field of a tool. */
export interface CredentialField {
  name: string
  label: string
  hint: string | null
  required: boolean
  secret: boolean
  kind: 'text' | 'number' | 'boolean' | 'choice'
  choices: readonly string[]
  pattern: RegExp | null
}

/** A tool for which the claimer brings credentials; `fields` is null where its schema says more than a form can. */
export interface ToolAsked {
  toolId: string
  name: string
  fields: readonly CredentialField[] | null
}

/** What was typed, by tool and field. */
export type Credentials = Record<string, Record<string, string>>

type Schema = Record<string, unknown>

const isObject = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** "telnyxApiKey" → "Telnyx API key". */
export function labelOf(name: string): string {
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]+/g, ' ')
    .toLowerCase()
    .replaceAll(/\b(api|id|url|sid)\b/g, (word) => word.toUpperCase())
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** The fields of an object schema; null where one of them is more than a line of text, a number, a choice or a yes. */
export function fieldsOf(schema: Schema): CredentialField[] | null {
  if (!isObject(schema['properties'])) return null
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const fields = Object.entries(schema['properties']).map(([name, property]) =>
    isObject(property) ? fieldOf(name, property, required.includes(name)) : null,
  )
  return fields.includes(null) ? null : fields.filter((field) => field !== null)
}

function fieldOf(name: string, property: Schema, required: boolean): CredentialField | null {
  const { type, enum: values } = property
  const choices = Array.isArray(values) && values.every((value) => typeof value === 'string') ? values : []
  const kind = choices.length > 0 ? 'choice' : type === 'integer' ? 'number' : type
  if (kind !== 'choice' && kind !== 'string' && kind !== 'number' && kind !== 'boolean') return null
  const secret = property['writeOnly'] === true || property['format'] === 'password' || /key|token|secret|password/i.test(name)
  return {
    name,
    label: text(property['title']) ?? labelOf(name),
    hint: text(property['description']) ?? (/phone/i.test(name) ? 'With its country code, e.g. +13125550123.' : null),
    required,
    secret,
    kind: kind === 'string' ? 'text' : kind,
    choices,
    pattern: patternOf(property),
  }
}

/** A pattern that this browser does not understand is left to pool. */
function patternOf({ pattern }: Schema): RegExp | null {
  try {
    return typeof pattern === 'string' ? new RegExp(pattern, 'u') : null
  } catch {
    return null
  }
}

/** The tools of a template for which the claimer brings credentials. */
export function toolsAsked(template: Template | null, offered: readonly OfferedTool[]): ToolAsked[] {
  return (template?.tools ?? []).flatMap(({ id, provisioning }) => {
    if (provisioning !== 'user') return []
    const tool = offered.find(({ toolId }) => toolId === id)
    return { toolId: id, name: tool?.name ?? id, fields: tool?.userConfig ? fieldsOf(tool.userConfig) : null }
  })
}

/** What is missing or malformed. */
export function credentialFaults(tools: readonly ToolAsked[], typed: Credentials): Faults {
  const faults: Faults = {}
  for (const { toolId, fields } of tools) {
    for (const { name, required, kind, pattern } of fields ?? []) {
      const value = typed[toolId]?.[name]?.trim() ?? ''
      const path = `userConfig.${toolId}.${name}`
      if (value === '') {
        if (required && kind !== 'boolean') faults[path] = 'This is needed.'
      } else if (kind === 'number' && !Number.isFinite(Number(value))) faults[path] = 'This is not a number.'
      else if (kind === 'text' && pattern && !pattern.test(value)) faults[path] = 'This does not have the expected form.'
    }
  }
  return faults
}

/** What is sent; undefined when nothing is asked for. */
export function userConfigOf(
  tools: readonly ToolAsked[],
  typed: Credentials,
): Record<string, Record<string, unknown>> | undefined {
  if (tools.length === 0) return undefined
  return Object.fromEntries(
    tools.map(({ toolId, fields }) => [
      toolId,
      Object.fromEntries(
        (fields ?? []).flatMap(({ name, kind, required }): [string, unknown][] => {
          const value = typed[toolId]?.[name]?.trim() ?? ''
          if (kind === 'boolean') return [[name, value === 'true']]
          if (value === '' && !required) return []
          return [[name, kind === 'number' ? Number(value) : value]]
        }),
      ),
    ]),
  )
}
