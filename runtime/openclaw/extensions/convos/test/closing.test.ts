import { expect, test } from 'vitest'
import { closing } from '../src/closing.ts'

test('a session that was interrupted is closed, and what was to be done about it forgotten', () => {
  const entry = {
    sessionId: 's',
    status: 'running',
    abortedLastRun: true,
    restartRecoveryRuns: [{}],
    restartRecoveryTerminalRunIds: ['m'],
    mainRestartRecovery: {},
    pendingFinalDelivery: {},
  }
  expect({ ...entry, ...closing(entry) }).toEqual({ sessionId: 's', status: 'interrupted', abortedLastRun: false })
})

test('one that ended forgets which messages it dealt with, and stays as it was otherwise', () => {
  const entry = { sessionId: 's', status: 'done', restartRecoveryTerminalRunIds: ['m'] }
  expect({ ...entry, ...closing(entry) }).toEqual({ sessionId: 's', status: 'done' })
  expect(closing({ status: 'done', abortedLastRun: false })).toBeNull()
})
