#!/usr/bin/env node
import { createInterface } from 'node:readline/promises'
import { run } from './cli/run.ts'

const { stdin, stdout, stderr } = process

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  out: (text) => stdout.write(`${text}\n`),
  err: (text) => stderr.write(`${text}\n`),
  progress: stderr.isTTY ? (text) => stderr.write(`\r\u001B[2K${text}`) : null,
  ask: stdin.isTTY && stderr.isTTY ? ask : null,
})

/** Questions go where the answer's reader is not: what is asked for may be piped. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    return await lines.question(question)
  } finally {
    lines.close()
  }
}
