import { processTerminal } from '@convos/kit'
import { runDoctor } from '@convos/kit/doctor'
import { poolDoctor } from '../doctor/index.ts'

// what hangs must not keep it
process.exit(await runDoctor(process.argv.slice(2), processTerminal(process.env), poolDoctor))
