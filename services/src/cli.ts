#!/usr/bin/env node
import { processTerminal } from '@convos/kit'
import { run } from './cli/run.ts'

process.exitCode = await run(process.argv.slice(2), processTerminal(process.env))
