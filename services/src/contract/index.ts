/** The internal API between pool and services, as zod schemas. Unknown fields of replies are ignored: both sides may differ by one version. */
export * from './instances.ts'
export * from './operations.ts'
export * from './public.ts'
export * from './status.ts'
export * from './tools.ts'
