import { readFile } from 'node:fs/promises'
import { HttpError, Refused, requestJson, Usage } from '@convos/kit'
import { z } from 'zod'
import { ProblemDocument } from '../contract/index.ts'

export interface Api {
  get<S extends z.ZodType>(path: string, reply: S): Promise<z.output<S>>
  post<S extends z.ZodType>(path: string, json: unknown, reply: S, how?: How): Promise<z.output<S>>
  put<S extends z.ZodType>(path: string, json: unknown, reply: S): Promise<z.output<S>>
  delete<S extends z.ZodType>(path: string, reply: S): Promise<z.output<S>>
}

interface How {
  timeoutMs?: number
  headers?: Record<string, string>
}

const ANSWER_MS = 30_000
const SANDBOX_FILE = new URL('../../../.data/sandbox.json', import.meta.url)
const Sandbox = z.object({
  poolUrl: z.string(),
  poolApiKey: z.string(),
  providers: z.object({ convos: z.string().nullable() }),
})

/**
 * The pool as named, else by the environment, else the sandbox that runs here; the sandbox's key is given to the sandbox alone.
 * @throws Usage @throws Refused
 */
export async function connect(p: { url: string | undefined; key: string | undefined; env: NodeJS.ProcessEnv }): Promise<Api> {
  const given = { url: p.url ?? p.env['POOL_URL'], key: p.key ?? p.env['POOL_API_KEY']?.split(',')[0] }
  const sandbox = given.url && given.key ? null : await readSandbox()
  const url = (given.url ?? sandbox?.poolUrl)?.replace(/\/+$/, '')
  if (!url) throw new Refused('no pool to ask: set POOL_URL and POOL_API_KEY, or start the sandbox')
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new Usage(`"${url}" is no address of a pool: it begins with https:// or http://`)
  const key = given.key ?? (url === sandbox?.poolUrl ? sandbox.poolApiKey : undefined)
  if (!key) throw new Refused(`no key for the pool at ${url}: set POOL_API_KEY`)

  const call = async <S extends z.ZodType>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    reply: S,
    { json, timeoutMs = ANSWER_MS, headers: more = {} }: How & { json?: unknown } = {},
  ) => {
    try {
      const headers = { ...more, authorization: `Bearer ${key}` }
      const { data } = await requestJson(`${url}${path}`, {
        method,
        headers,
        reply,
        timeoutMs,
        ...(json === undefined ? {} : { json }),
      })
      return data
    } catch (err) {
      throw new Refused(explain(err, url), { cause: err })
    }
  }
  return {
    get: (path, reply) => call('GET', path, reply),
    post: (path, json, reply, how = {}) => call('POST', path, reply, { ...how, json }),
    put: (path, json, reply) => call('PUT', path, reply, { json }),
    delete: (path, reply) => call('DELETE', path, reply),
  }
}

/** What runs here, if anything does. */
export async function readSandbox() {
  const stored = await readFile(SANDBOX_FILE, 'utf8').catch(() => null)
  return stored === null ? null : Sandbox.parse(JSON.parse(stored))
}

function explain(err: unknown, url: string): string {
  if (!(err instanceof HttpError)) throw err
  if (err.kind === 'network') return `the pool at ${url} cannot be reached`
  const problem = ProblemDocument.safeParse(err.body).data
  if (!problem) return err.message
  if (err.status === 401) return `UNAUTHORIZED: the pool at ${url} does not know this key (POOL_API_KEY, --key)`
  const fields = (problem.errors ?? []).map(({ path, message }) => `\n  ${path}: ${message}`).join('')
  return `${problem.code}: ${problem.detail ?? problem.title}${fields} (request ${problem.requestId})`
}
