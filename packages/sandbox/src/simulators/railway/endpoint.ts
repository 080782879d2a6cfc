import { readFileSync } from 'node:fs'
import type { RequestHandler } from 'express'
import { buildSchema, execute, getOperationAST, GraphQLError, parse, validate, type DocumentNode } from 'graphql'
import { z } from 'zod'
import type { GraphqlAspect } from '../core/simulator.ts'
import type { SimClock } from '../core/clock.ts'
import { disguise, notAuthorized, presentError } from './errors.ts'
import { type Reader, readerOf } from './lag.ts'

const Body = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
})

const schema = buildSchema(readFileSync(new URL('./schema.graphql', import.meta.url), 'utf8'))

type RootField = (args: never, reader: Reader) => unknown

interface Answer {
  status: 200 | 400
  body: unknown
}

/** `POST /graphql/v2`: requests that cannot be run are refused with 400, whatever goes wrong while running is a 200 with errors. */
export function graphqlEndpoint(fields: Record<string, RootField>, clock: SimClock): RequestHandler {
  return async (req, res) => {
    const open = isAuthorized(req.headers.authorization) ? fields : closed(fields)
    const { status, body } = await answer(req.body, open, readerOf(res, clock))
    res.status(status).json(body)
  }
}

async function answer(request: unknown, rootValue: Record<string, RootField>, contextValue: Reader): Promise<Answer> {
  const body = Body.safeParse(request)
  if (!body.success) return refusal('BAD_USER_INPUT')
  const document = tryParse(body.data.query)
  if (document instanceof GraphQLError) return refusal('GRAPHQL_PARSE_FAILED', [document])
  const mistakes = validate(schema, document)
  if (mistakes.length > 0) return refusal('GRAPHQL_VALIDATION_FAILED', mistakes)

  const { variables: variableValues, operationName } = body.data
  const result = await execute({ schema, document, rootValue, contextValue, variableValues, operationName })
  // Without `data` nothing was run: the variables do not fit, or there is no such operation.
  if (!('data' in result)) return refusal('BAD_USER_INPUT')
  const errors = result.errors?.map((error) => presentError(disguise(error)))
  return { status: 200, body: { ...(errors && { errors }), data: result.data } }
}

const refusal = (
  code: 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED' | 'BAD_USER_INPUT',
  errors: readonly GraphQLError[] = [new GraphQLError('Problem processing request')],
): Answer => ({ status: 400, body: { errors: errors.map((error) => presentError(error, code)) } })

/** Tells the test bed what a request is about, without running it. */
export const railwayGraphql: GraphqlAspect = {
  describe(body) {
    const request = Body.safeParse(body)
    const document = request.success ? tryParse(request.data.query) : null
    const operation =
      document && !(document instanceof GraphQLError) ? getOperationAST(document, request.data?.operationName) : null
    if (!operation) return { label: 'invalid', names: [], mutation: false }
    const name = operation.name?.value
    const roots = operation.selectionSet.selections.flatMap((field) => (field.kind === 'Field' ? [field.name.value] : []))
    return {
      label: name ?? roots.join(','),
      names: name === undefined ? roots : [name, ...roots],
      mutation: operation.operation === 'mutation',
    }
  },
  error: (_body, message) => ({ errors: [presentError(new GraphQLError(message))], data: null }),
}

function tryParse(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query)
  } catch (error) {
    if (error instanceof GraphQLError) return error
    throw error
  }
}

/** Any bearer token will do, except none and the one that tests call `bad`. */
function isAuthorized(header: string | undefined): boolean {
  const token = /^Bearer (.+)$/i.exec(header ?? '')?.[1]?.trim()
  return !!token && token !== 'bad'
}

/** Every field answers as Railway does to a stranger; introspection stays open, as there. */
function closed(fields: Record<string, RootField>): Record<string, RootField> {
  return Object.fromEntries(
    Object.keys(fields).map((name) => [
      name,
      () => {
        throw notAuthorized()
      },
    ]),
  )
}
