/** The public API of pool, as zod schemas; free of Node, so that the dashboard can import it. */
export * from './actions.ts'
export * from './claim.ts'
export * from './instance.ts'
export * from './operation.ts'
export * from './problem.ts'
export * from './session.ts'
export * from './settings.ts'
