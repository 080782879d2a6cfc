export { createDatabase, databaseUrl, setClockOffset, type TestDatabase } from './database.ts'
export { eventually } from './eventually.ts'
export { scoped } from './scoped.ts'
export { type RunningSandbox, type SandboxOptions, startSandbox } from './sandbox.ts'
