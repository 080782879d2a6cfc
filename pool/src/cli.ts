#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// a command is over in the time that compiling it would take
enableCompileCache()
const [{ processTerminal }, { run }] = await Promise.all([import('@convos/kit'), import('./cli/run.ts')])
process.exitCode = await run(process.argv.slice(2), processTerminal(process.env))
