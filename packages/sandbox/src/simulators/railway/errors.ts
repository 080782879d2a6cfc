import { randomInt } from 'node:crypto'
import { GraphQLError } from 'graphql'

type Code = 'INTERNAL_SERVER_ERROR' | 'BAD_USER_INPUT' | 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED'

const failure = (message: string, code: Code = 'INTERNAL_SERVER_ERROR') => new GraphQLError(message, { extensions: { code } })

// The texts are Railway's own, as observed: clients can tell its errors apart by nothing else.
export const notAuthorized = () => failure('Not Authorized')
export const notFound = (what: 'Project' | 'Environment' | 'Service' | 'Deployment' | 'Volume') => failure(`${what} not found`)
export const opaque = () => failure('Problem processing request')
export const invalidProjectName = () => failure('Invalid project name')
export const serviceExists = (name: string) =>
  failure(`A service named "${name}" already exists in this project`, 'BAD_USER_INPUT')
export const notStoppable = () => failure('Deployment is not stoppable', 'BAD_USER_INPUT')
export const notRestartable = () => failure('Deployment is not restartable', 'BAD_USER_INPUT')
export const projectsTooQuickly = (seconds: number) =>
  failure(`You are creating projects too quickly. This workspace allows 1 project per ${seconds} seconds. Try again shortly.`)
export const volumesTooQuickly = () => failure('Whoa there pal! You are creating volumes too quickly. Try again in a sec')

// No text was ever observed for these two.
export const volumeTaken = () => failure('This service already has a volume', 'BAD_USER_INPUT')
export const invalidPatch = (detail: string) => failure(`Invalid environment patch: ${detail}`, 'BAD_USER_INPUT')

/** One error as Railway sends it: the trace id stands on the error itself, not in its extensions. */
export function presentError({ message, locations, path, extensions }: GraphQLError, fallback: Code = 'INTERNAL_SERVER_ERROR') {
  return {
    message,
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: { code: extensions.code ?? fallback },
    traceId: `${randomInt(1e8, 1e9)}${String(randomInt(1e9)).padStart(9, '0')}`,
  }
}

/** A bug of ours must not look like one of Railway's texts: it is told to the console, the client gets the opaque one. */
export function disguise(error: GraphQLError): GraphQLError {
  if (!error.originalError || error.originalError instanceof GraphQLError) return error
  console.error('sandbox: the Railway simulator failed:', error.originalError)
  return new GraphQLError('Problem processing request', { nodes: error.nodes ?? null, path: error.path ?? null })
}
