export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type Vars = Readonly<Record<string, string | undefined>>

const ABSENT = Symbol('absent')
const VARIABLE = /\$\{([A-Z_][A-Z0-9_]*)\}/g

/**
 * A template filled in. `${NAME}` within a string is the variable's value; an object with `"$if": "NAME"` is there only when the variable
 * has a value, and stands for its `$value` where it has one. Throws with the place of a variable that has none.
 */
export function fillIn(template: Json, vars: Vars): Json {
  const filled = fill(template, vars, '')
  if (filled === ABSENT) throw new Error('the whole template is conditional')
  return filled
}

function fill(node: Json, vars: Vars, path: string): Json | typeof ABSENT {
  if (typeof node === 'string') return substitute(node, vars, path)
  if (node === null || typeof node !== 'object') return node
  if (Array.isArray(node))
    return node.map((item, index) => fill(item, vars, `${path}[${index}]`)).filter((item) => item !== ABSENT)
  const { $if: condition, ...rest } = node
  if (typeof condition === 'string' && !vars[condition]) return ABSENT
  if (rest['$value'] !== undefined) return fill(rest['$value'], vars, path)
  const entries = Object.entries(rest).map(([key, value]) => [key, fill(value, vars, path ? `${path}.${key}` : key)] as const)
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => entry[1] !== ABSENT))
}

const substitute = (text: string, vars: Vars, path: string) =>
  text.replaceAll(VARIABLE, (_, name: string) => {
    const value = vars[name]
    if (!value) throw new Error(`${path} needs ${name}`)
    return value
  })
