import { enableCompileCache } from 'node:module'

// one process per agent on small machines: from the second start on, compiled code is read instead of made
enableCompileCache()
const { runAgentServer } = await import('./server.ts')
await runAgentServer(process.env)
