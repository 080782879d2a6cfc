import formats from 'ajv-formats'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Answer, TestPool } from './harness.ts'

interface Content {
  content?: Record<string, unknown>
}

/** One operation of the OpenAPI document, with where it stands. */
export interface Described {
  method: string
  path: string
  operationId: string
  security: Record<string, string[]>[]
  requestBody?: Content & { required: boolean }
  responses: Record<string, Content>
}

type Document = { paths: Record<string, Record<string, Omit<Described, 'method' | 'path'>>> }

/** What the pool says of itself, and whether what it does is so. */
export async function readDescription(pool: TestPool) {
  const document = (await pool.call('GET', '/openapi.json', { key: null })).body as unknown as Document
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Described => ({ ...operation, method, path })),
  )
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(document, 'api')

  /** What is wrong with a value, by the schema at this place of the document. */
  function faultsOf(value: unknown, place: readonly string[]): string[] {
    const pointer = place.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    const validate = ajv.getSchema(`api#/${pointer.join('/')}`)
    if (!validate) return [`there is no schema at ${place.join(' ')}`]
    return validate(value)
      ? []
      : (validate.errors ?? []).map((e) => `${e.instancePath || 'it'} ${e.message} ${JSON.stringify(e.params)}`)
  }

  /** How an answer differs from what is described; nothing where it does not. */
  function faultsOfAnswer({ method, path, responses }: Described, answer: Answer): string[] {
    const { status, text, body } = answer
    // what went wrong is described once for all; what went well is not
    const described = String(status) in responses ? String(status) : status >= 400 ? 'default' : null
    const content = described === null ? undefined : responses[described]?.content
    if (described === null || !(described in responses)) return [`the status ${status} is not described`]
    if (!content) return text === '' ? [] : ['it has a body, and none is described']
    const type = answer.headers.get('content-type')?.split(';')[0] ?? 'none'
    if (!(type in content)) return [`the type ${type} is not described for ${status}`]
    const place = ['paths', path, method, 'responses', described, 'content', type, 'schema']
    if (type === 'text/event-stream') return []
    if (type === 'application/x-ndjson')
      return text.split('\n').flatMap((line) => (line === '' ? [] : faultsOf(JSON.parse(line), place)))
    return faultsOf(type.endsWith('json') ? body : text, place)
  }

  /** How a request's body differs from what is described. */
  const faultsOfBody = ({ method, path, requestBody }: Described, body: unknown): string[] =>
    body === undefined
      ? requestBody?.required
        ? ['a body is required']
        : []
      : faultsOf(body, ['paths', path, method, 'requestBody', 'content', 'application/json', 'schema'])

  return { document, operations, faultsOfAnswer, faultsOfBody }
}
