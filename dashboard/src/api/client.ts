import { foreign, toApiError, unreachable, unreadable } from './errors.ts'

export const BASE_URL = import.meta.env.VITE_POOL_API_URL ?? ''
/** The session's cookie goes to our own origin only, unless another one is named. */
export const CREDENTIALS = BASE_URL === '' ? 'same-origin' : 'include'
const DEADLINE_MS = 10_000

export interface Call<T> {
  /** The zod schema of the answer. */
  answer: { parse: (body: unknown) => T }
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  deadlineMs?: number
}

/** Answers without a body, or whose body nobody needs. */
export const NO_ANSWER = { parse: () => undefined }

/** One request to the pool, its answer parsed; everything that can go wrong is an `ApiError`. */
export async function call<T>(path: string, options: Call<T>): Promise<T> {
  const { response, text } = await send(path, options)
  let body: unknown
  try {
    body = text === '' ? undefined : JSON.parse(text)
  } catch (cause) {
    throw foreign(response, cause)
  }
  if (!response.ok) throw toApiError(response, body)
  try {
    return options.answer.parse(body)
  } catch (cause) {
    throw unreadable(response, cause)
  }
}

/** A path with its query; what is undefined stays away, and a list is said once for each of its members. */
export function withQuery(path: string, query: Record<string, string | number | readonly string[] | undefined>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) params.append(name, String(one))
  return params.size === 0 ? path : `${path}?${params.toString()}`
}

async function send(path: string, { method = 'GET', body, headers, signal, deadlineMs = DEADLINE_MS }: Call<unknown>) {
  const deadline = AbortSignal.timeout(deadlineMs)
  try {
    const response = await fetch(BASE_URL + path, {
      method,
      credentials: CREDENTIALS,
      // Pool takes a session's writes as JSON only: a form of another site cannot send that.
      headers: { accept: 'application/json', ...(method === 'GET' ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    })
    return { response, text: await response.text() }
  } catch (cause) {
    throw unreachable(cause)
  }
}
