import { type Request, type RequestHandler, type Response, Router } from 'express'
import type { z } from 'zod'
import { parseRequest } from './problem.ts'

type Params = z.ZodObject
type Replies = Record<number, z.ZodType>
type Streams = Readonly<Record<string, z.ZodType>>

/** What a handler may answer: one of the declared statuses with the body that belongs to it. */
export type Answer<R extends Replies> = {
  [S in keyof R & number]: { status: S; body: z.output<R[S]>; headers?: Record<string, string> }
}[keyof R & number]

interface Input<P, Q, H, B> {
  params: P
  query: Q
  headers: H
  body: B
  req: Request
  res: Response
}

/** One endpoint as data: who may call it, what it takes and answers, and what it does. */
export interface EndpointSpec<
  A extends string,
  P extends Params,
  Q extends Params,
  H extends Params,
  B extends z.ZodType,
  R extends Replies,
> {
  method: 'get' | 'post' | 'patch' | 'put' | 'delete'
  /** Express's form, e.g. `/instances/:instanceId`. */
  path: string
  /** Further paths that answer the same, for older clients; not described. */
  aliases?: readonly string[]
  operationId: string
  summary: string
  /** Who may call it: the name of a guard. */
  auth: A
  params?: P
  query?: Q
  /** Headers of its own, by their names; one that was not sent is absent. */
  headers?: H
  body?: B
  /** The body of each status; `z.undefined()` where there is none. */
  replies: R
  /** What it may write by itself with status 200, by media type: the form of one message or line. */
  streams?: Streams
  /** Null: it has written its answer itself, e.g. a stream or plain text. */
  handle(
    input: Input<z.output<P>, z.output<Q>, z.output<H>, z.output<B>>,
  ): Promise<Answer<NoInfer<R>> | null> | Answer<NoInfer<R>> | null
}

/** An endpoint whose types have done their work. */
export interface Endpoint<A extends string = string> {
  method: 'get' | 'post' | 'patch' | 'put' | 'delete'
  path: string
  aliases: readonly string[]
  operationId: string
  summary: string
  auth: A
  params: Params | null
  query: Params | null
  headers: Params | null
  body: z.ZodType | null
  replies: Replies
  streams: Streams
  handler: RequestHandler
}

/** Declares an endpoint; what it takes is parsed before `handle` sees it, and a mismatch is a 400. */
export function endpoint<
  A extends string,
  R extends Replies,
  P extends Params = Params,
  Q extends Params = Params,
  H extends Params = Params,
  B extends z.ZodType = z.ZodUnknown,
>({ aliases = [], params, query, headers, body, streams = {}, handle, ...spec }: EndpointSpec<A, P, Q, H, B, R>): Endpoint<A> {
  return {
    ...spec,
    aliases,
    params: params ?? null,
    query: query ?? null,
    headers: headers ?? null,
    body: body ?? null,
    streams,
    handler: async (req, res) => {
      const answer = await handle({
        params: (params ? parseRequest(params, req.params) : req.params) as z.output<P>,
        query: (query ? parseRequest(query, req.query) : req.query) as z.output<Q>,
        headers: (headers ? parseRequest(headers, sent(req, headers)) : req.headers) as z.output<H>,
        body: (body ? parseRequest(body, req.body ?? {}) : req.body) as z.output<B>,
        req,
        res,
      })
      if (!answer) return
      res.status(answer.status).set(answer.headers ?? {})
      if (answer.body === undefined) res.end()
      else res.json(answer.body)
    },
  }
}

/** Those headers of a request that a schema names. */
const sent = (req: Request, { shape }: Params) => Object.fromEntries(Object.keys(shape).map((name) => [name, req.get(name)]))

/** A router of these endpoints; each one behind the guards of its class. */
export function mountEndpoints<A extends string>(endpoints: readonly Endpoint<A>[], guards: Record<A, RequestHandler[]>): Router {
  const router = Router()
  for (const { method, path, aliases, auth, handler } of endpoints)
    for (const each of [path, ...aliases]) router[method](each, ...guards[auth], handler)
  return router
}
