/** The libraries; loaded by `openTracing` alone. */
import { type Attributes, type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { errorType, type OpenSpan, SPAN_ATTRIBUTES, type SpanAttributes, type Tracing } from './trace.ts'

export interface TracingOptions {
  /** The base URL of a collector that speaks OTLP over HTTP. */
  endpoint: string
  service: string
  environment: string
  version: string
}

const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT }
const EXPORT_EVERY_MS = 1_000
const EXPORT_MS = 5_000
const VALUE_MAX = 128
const SETTER = { set: (carrier: Record<string, string>, name: string, value: string) => void (carrier[name] = value) }
const GETTER = { get: (carrier: Record<string, string>, name: string) => carrier[name], keys: Object.keys }

/** Whatever a caller hands over, only what is on the list goes out. */
function allowed(attributes: SpanAttributes): Attributes {
  const known = SPAN_ATTRIBUTES.flatMap((name) => {
    const value = attributes[name]
    return value === undefined ? [] : [[name, typeof value === 'string' ? value.slice(0, VALUE_MAX) : value] as const]
  })
  return Object.fromEntries(known)
}

export function createTracing({ endpoint, service, environment, version }: TracingOptions): Tracing & { stop(): Promise<void> } {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: EXPORT_MS })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': `convos-${service}`,
      'service.version': version,
      'deployment.environment.name': environment,
    }),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: EXPORT_EVERY_MS, exportTimeoutMillis: EXPORT_MS })],
  })
  const tracer = provider.getTracer('convos')
  const propagator = new W3CTraceContextPropagator()
  // ours alone: nothing is registered globally, so that no other library can hang its own spans into ours
  const contexts = new AsyncLocalStorageContextManager().enable()

  const contextOf = (parent: string | null | undefined): Context =>
    parent === undefined
      ? contexts.active()
      : propagator.extract(ROOT_CONTEXT, parent === null ? {} : { traceparent: parent }, GETTER)

  return {
    async span(name, { kind = 'internal', attributes = {}, parent, startedAt }, work) {
      const around = contextOf(parent)
      const span = tracer.startSpan(
        name,
        { kind: KINDS[kind], attributes: allowed(attributes), ...(startedAt ? { startTime: startedAt } : {}) },
        around,
      )
      const open: OpenSpan = {
        rename: (to) => void span.updateName(to),
        set: (more) => void span.setAttributes(allowed(more)),
        fail: (type) => void span.setStatus({ code: SpanStatusCode.ERROR }).setAttributes(allowed({ 'error.type': type })),
      }
      try {
        return await contexts.with(trace.setSpan(around, span), () => work(open))
      } catch (err) {
        open.fail(errorType(err))
        throw err
      } finally {
        span.end()
      }
    },
    traceparent() {
      const carrier: Record<string, string> = {}
      propagator.inject(contexts.active(), carrier, SETTER)
      return carrier['traceparent'] ?? null
    },
    async stop() {
      contexts.disable()
      await provider.shutdown()
    },
  }
}
