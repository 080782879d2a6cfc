/** What the doctors of pool and services share: how a finding is told, and the checks that both make. */
export { type Answered, ask, lookAtClock } from './ask.ts'
export { type ClockReading, judgeClock, skewOf } from './clock.ts'
export { type Doctor, runDoctor } from './command.ts'
export { type DatabaseFacts, type Expected, judgeDatabase, lookAtDatabase } from './database.ts'
export { inWords } from '../words.ts'
export { fault, ok, type Seen, unverified, warning } from './finding.ts'
export { type Check, runChecks, secretsOf } from './run.ts'
