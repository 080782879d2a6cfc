import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { z } from 'zod'

const Value = z.looseObject({ stringValue: z.string().optional(), intValue: z.coerce.number().optional() })
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? null])))
const Span = z.looseObject({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: Attributes,
  status: z.looseObject({ code: z.number().optional() }).optional(),
})
const Export = z.object({
  resourceSpans: z.array(
    z.looseObject({
      resource: z.looseObject({ attributes: Attributes }),
      scopeSpans: z.array(z.looseObject({ spans: z.array(Span) })),
    }),
  ),
})

export interface CollectedSpan {
  traceId: string
  spanId: string
  /** Null: the trace begins with it. */
  parentSpanId: string | null
  name: string
  attributes: Record<string, string | number | null>
  failed: boolean
  /** Of the process that it is from. */
  resource: Record<string, string | number | null>
}

/** Takes in what processes tell of their spans, by OTLP over HTTP. */
export interface Collector extends AsyncDisposable {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to. */
  url: string
  spans: CollectedSpan[]
  /** Every byte that was sent, to look for what must not be there. */
  received: string
}

const STATUS_ERROR = 2

export async function startCollector(): Promise<Collector> {
  const server = createServer((req, res) => {
    const take = async () => {
      const body = await json(req)
      collector.received += JSON.stringify(body)
      if (req.url === '/v1/traces') collector.spans.push(...spansOf(body))
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    }
    void take()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    received: '',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return collector
}

const spansOf = (body: unknown): CollectedSpan[] =>
  Export.parse(body).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ traceId, spanId, parentSpanId, name, attributes, status }) => ({
        traceId,
        spanId,
        parentSpanId: parentSpanId ?? null,
        name,
        attributes,
        failed: status?.code === STATUS_ERROR,
        resource: resource.attributes,
      })),
    ),
  )
