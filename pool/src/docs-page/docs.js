/** Renders /openapi.json. Everything is set as text: nothing of the description can become markup. */
const METHODS = ['get', 'post', 'put', 'patch', 'delete']

/** An element with a class and children; strings become text. */
function make(tag, className, ...children) {
  const element = document.createElement(tag)
  if (className) element.className = className
  element.append(...children)
  return element
}

/** A JSON Schema in the notation of TypeScript, which most readers know. */
function typeOf(schema, indent = '') {
  const { type, anyOf, allOf, oneOf, enum: values, properties, items, additionalProperties } = schema
  if ('const' in schema) return JSON.stringify(schema.const)
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ')
  const ways = anyOf ?? oneOf
  if (ways) return ways.map((way) => typeOf(way, indent)).join(' | ')
  if (allOf) return allOf.map((part) => typeOf(part, indent)).join(' & ')
  if (schema.$ref) return schema.$ref.split('/').at(-1)
  if (Array.isArray(type)) return type.join(' | ')
  if (type === 'array') {
    const item = typeOf(items ?? {}, indent)
    return item.includes(' | ') ? `(${item})[]` : `${item}[]`
  }
  if (properties) return typeOfObject(schema, indent)
  if (type === 'object') return `{ [name: string]: ${typeOf(additionalProperties || {}, indent)} }`
  return type ?? 'unknown'
}

function typeOfObject({ properties, required = [] }, indent) {
  const inner = `${indent}  `
  const fields = Object.entries(properties).map(([name, field]) => {
    const mark = required.includes(name) ? '' : '?'
    return `${inner}${name}${mark}: ${typeOf(field, inner)}${limitsOf(field)}`
  })
  return fields.length === 0 ? '{}' : `{\n${fields.join('\n')}\n${indent}}`
}

/** What the notation cannot say. */
function limitsOf({ minLength, maxLength, minimum, maximum, default: otherwise, description }) {
  const range = (low, high, unit) => (low === undefined && high === undefined ? [] : [`${low ?? ''}…${high ?? ''}${unit}`])
  const notes = [
    ...range(minLength, maxLength, ' characters'),
    ...range(
      minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum,
      maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum,
      '',
    ),
    ...(otherwise === undefined ? [] : [`default ${JSON.stringify(otherwise)}`]),
    ...(description ? [description] : []),
  ]
  return notes.length === 0 ? '' : `  // ${notes.join(', ')}`
}

function whoMay({ security }) {
  if (security.length === 0) return 'public'
  return security.map((way) => Object.entries(way).map(([name, roles]) => [name, ...roles].join(' · '))).join(' or ')
}

const schemaOf = ({ content }) => Object.values(content ?? {})[0]?.schema

function section(title, schema) {
  const heading = make('h4', '', title)
  return schema ? [heading, make('pre', '', typeOf(schema))] : [heading]
}

function article({ method, path, operation }) {
  const { operationId, summary, parameters = [], requestBody, responses } = operation
  const takes = parameters.map((p) => {
    const mark = p.required ? '' : '?'
    return `${p.in} ${p.name}${mark}: ${typeOf(p.schema)}${limitsOf(p.schema)}`
  })
  const element = make(
    'article',
    '',
    make('h3', '', make('code', 'method', method), ' ', make('code', '', path)),
    make('div', '', summary),
    make('div', 'who', whoMay(operation)),
    ...(takes.length > 0 ? [make('h4', '', 'Parameters'), make('pre', '', takes.join('\n'))] : []),
    ...(requestBody ? section(requestBody.required ? 'Body' : 'Body (may be left out)', schemaOf(requestBody)) : []),
    ...Object.entries(responses).flatMap(([status, reply]) => section(`${status}: ${reply.description}`, schemaOf(reply))),
  )
  element.id = operationId
  return element
}

/** A shape that several endpoints refer to by its name. */
const shared = ([name, schema]) => make('article', '', make('h3', '', make('code', '', name)), make('pre', '', typeOf(schema)))

/** `/api/pool/claims/{id}` belongs to `claims`, `/healthz` to `system`. */
const familyOf = (path) => /^\/api\/(?:pool\/)?([^/]+)/.exec(path)?.[1] ?? 'system'

function contents(operations) {
  return Object.entries(Object.groupBy(operations, ({ path }) => familyOf(path))).map(([family, members]) => {
    const links = members.map(({ operation: { operationId, summary } }) => {
      const link = make('a', '', operationId)
      link.href = `#${operationId}`
      link.title = summary
      return make('li', '', link)
    })
    return make('section', '', make('h2', '', family), make('ul', '', ...links))
  })
}

async function render() {
  const res = await fetch('/openapi.json')
  if (!res.ok) throw new Error(`/openapi.json answered ${res.status}`)
  const { info, paths, components } = await res.json()
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, operation: item[method] })),
  )
  document.querySelector('#title').textContent = `${info.title} API`
  document.querySelector('#description').textContent = info.description
  document.querySelector('#contents').append(...contents(operations))
  document
    .querySelector('#operations')
    .replaceChildren(...operations.map(article), ...Object.entries(components.schemas).map(shared))
  document.querySelector('#operations').removeAttribute('aria-busy')
  // the browser looked for the anchor before it was there
  if (location.hash) document.querySelector(`[id="${CSS.escape(location.hash.slice(1))}"]`)?.scrollIntoView()
}

try {
  await render()
} catch (err) {
  document.querySelector('#operations').replaceChildren(make('p', '', `The description could not be shown: ${err.message}`))
}
