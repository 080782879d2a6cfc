/** Spans as our code makes them. While no tracing is installed this costs a comparison, and no library is loaded. */

/** Everything that a span may say: ids, codes, and names that stand in our own code. Never what somebody sent, and never a secret. */
export const SPAN_ATTRIBUTES = [
  'http.request.method',
  'http.route',
  'http.response.status_code',
  'error.type',
  'convos.request_id',
  'convos.claim_id',
  'convos.instance_id',
  'convos.tool_id',
  'convos.provider',
  'convos.operation',
  'convos.step',
  'convos.direction',
] as const
export type SpanAttributes = Partial<Record<(typeof SPAN_ATTRIBUTES)[number], string | number>>

export interface SpanOptions {
  kind?: 'internal' | 'server' | 'client'
  attributes?: SpanAttributes
  /** A `traceparent` to go on from; null: a trace of its own; unset: whatever is under way. One that is not valid counts as null. */
  parent?: string | null | undefined
  /** When it began, if that is over. */
  startedAt?: Date
}

export interface OpenSpan {
  rename(name: string): void
  set(attributes: SpanAttributes): void
  fail(type: string): void
}

/** What does the work, once it is installed. */
export interface Tracing {
  span<T>(name: string, options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T>
  /** The `traceparent` of the span under way. */
  traceparent(): string | null
}

let installed: Tracing | null = null
const silent: OpenSpan = { rename() {}, set() {}, fail() {} }

/** For the whole process; null takes it away again. */
export function installTracing(tracing: Tracing | null): void {
  installed = tracing
}

export const isTracing = (): boolean => installed !== null

/** Does the work within a span, which ends with it; a failure is noted by its type alone, as its words may echo anything. */
export const inSpan = <T>(name: string, options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T> =>
  installed ? installed.span(name, options, work) : work(silent)

/** The same where something is under way already; what is done all the time, of our own accord, is in no trace. */
export const inTrace = <T>(name: string, options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T> =>
  traceparent() === null ? work(silent) : inSpan(name, options, work)

/** What is handed on, to other parts of this process or to another one; null outside of a span. */
export const traceparent = (): string | null => installed?.traceparent() ?? null

/** The same as headers of a call to a service of ours or to an instance; nobody else is told. */
export function traceHeaders(): Record<string, string> {
  const parent = traceparent()
  return parent === null ? {} : { traceparent: parent }
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/

/** For log lines: the trace that a `traceparent` belongs to, and the span; nothing where it is none. */
export function traceFields(parent: string | null | undefined): { traceId?: string; spanId?: string } {
  const [, traceId, spanId] = TRACEPARENT.exec(parent ?? '') ?? []
  return traceId === undefined || spanId === undefined || /^0+$/.test(traceId) ? {} : { traceId, spanId }
}

/** A failure as a span may name it: the code of ours, or the kind of error. */
export function errorType(err: unknown): string {
  if (!(err instanceof Error)) return 'unknown'
  const code = 'code' in err ? err.code : null
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : err.name
}
