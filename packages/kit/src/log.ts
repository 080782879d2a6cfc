import { pino } from 'pino'
import { traceFields, traceparent } from './tracing/trace.ts'

export type Logger = pino.Logger

/** Field names whose values never reach a log line, at any of the depths our own code logs at. */
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'password',
  'token',
  'secret',
  'apiKey',
  'gatewayToken',
  'controlToken',
  'servicesToken',
  'privateKey',
  'env',
  'variables',
]
const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `*.*.*.${field}`])

/** JSON lines on stdout; a failure is logged once, where it is handled, with ids and without secrets. */
export function createLogger(service: string, level = 'info', out: pino.DestinationStream = process.stdout): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service },
    redact: { paths: [...paths, 'req.headers["set-cookie"]', 'res.headers["set-cookie"]'], censor: '[redacted]' },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    // finds what is said while a trace is under way
    mixin: () => traceFields(traceparent()),
  }
  return pino(options, out)
}
