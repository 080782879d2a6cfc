import { z } from 'zod'
import type { Endpoint } from './endpoints.ts'

/** A way in which a caller proves itself; `roles`: what it must be. */
interface Proof {
  name: string
  scheme: Record<string, unknown>
  roles?: readonly string[]
}

export interface OpenApiInfo<A extends string> {
  title: string
  version: string
  description: string
  /** How each class of caller proves itself, one way or another; null: not at all. */
  security: Record<A, Proof | readonly Proof[] | null>
}

/** With further members where a code has some. */
const ProblemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().nullable(),
    code: z.string().describe('stable, upper snake case'),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .describe('RFC 9457')

/** The OpenAPI 3.1 document of these endpoints, from the very schemas that parse their requests. */
export function openApiDocument<A extends string>(endpoints: readonly Endpoint<A>[], info: OpenApiInfo<A>) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const endpoint of endpoints) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [endpoint.method]: operation(endpoint, info) }
  }
  const schemes = Object.values<Proofs>(info.security).flatMap(listed)
  return {
    openapi: '3.1.0',
    info: { title: info.title, version: info.version, description: info.description },
    paths,
    components: {
      securitySchemes: Object.fromEntries(schemes.map(({ name, scheme }) => [name, scheme])) as object,
      schemas: { Problem: jsonSchema(ProblemSchema, 'output') },
    },
  }
}

type Proofs = Proof | readonly Proof[] | null
const listed = (proofs: Proofs): readonly Proof[] => (proofs === null ? [] : [proofs].flat())

function operation<A extends string>(endpoint: Endpoint<A>, { security }: OpenApiInfo<A>) {
  const { operationId, summary, auth, params, query, headers, body } = endpoint
  const parameters = [...parametersIn('path', params), ...parametersIn('query', query), ...parametersIn('header', headers)]
  return {
    operationId,
    summary,
    security: listed(security[auth]).map(({ name, roles = [] }) => ({ [name]: roles })),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: requestBody(body) } : {}),
    responses: {
      ...responses(endpoint),
      default: {
        description: 'what went wrong',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  }
}

/** What each status is answered with; streams are ways in which 200 is. */
function responses({ summary, replies, streams }: Pick<Endpoint, 'summary' | 'replies' | 'streams'>) {
  const content = (types: Record<string, z.ZodType>) =>
    Object.fromEntries(Object.entries(types).map(([type, schema]) => [type, { schema: jsonSchema(schema, 'output') }]))
  const streamed = Object.keys(streams).length > 0
  const all: Record<string, z.ZodType> = { ...(streamed ? { 200: z.undefined() } : {}), ...replies }
  return Object.fromEntries(
    Object.entries(all).map(([status, schema]) => {
      const types = {
        ...(schema instanceof z.ZodUndefined ? {} : { 'application/json': schema }),
        ...(status === '200' ? streams : {}),
      }
      const answers = Object.keys(types).length > 0 ? { content: content(types) } : {}
      return [status, { description: schema.description ?? summary, ...answers }]
    }),
  )
}

/** Nothing is read as `{}`: a body that may be that may be left out. */
const requestBody = (body: z.ZodType) => ({
  required: !body.safeParse({}).success,
  content: { 'application/json': { schema: jsonSchema(body, 'input') } },
})

function parametersIn(where: 'path' | 'query' | 'header', schema: z.ZodObject | null) {
  return Object.entries(schema?.shape ?? {}).map(([name, field]) => ({
    name,
    in: where,
    required: where === 'path' || !z.safeParse(field, undefined).success,
    schema: jsonSchema(field as z.ZodType, 'input'),
  }))
}

/** Schemas that JSON Schema cannot say (a transform, a date) are told as "anything". */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
