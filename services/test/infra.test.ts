import { randomBytes } from 'node:crypto'
import { SANDBOX_WORKSPACE, startSimulators } from '@convos/sandbox'
import { openGate } from '../src/budget/gate.ts'
import { createRailway } from '../src/infra/railway.ts'
import { infraContract } from './infra-contract.ts'
import { failingInfra } from './support/failing-infra.ts'
import { fakeInfra } from './support/fake-infra.ts'

const AT_ONCE = { initializingMs: 0, creatingMs: 0, healthcheckMs: 10, removingMs: 0 }

infraContract('Railway', async () => {
  const sim = await startSimulators({ railway: { host: 'virtual', projectIntervalMs: 0, timings: AT_ONCE } })
  const effects = {
    lost: { kind: 'drop-after' },
    refused: { kind: 'graphql-error', message: 'Error in input - Invalid input' },
  } as const
  return {
    provider: createRailway({
      url: `${sim.url}/railway/graphql/v2`,
      token: randomBytes(16).toString('hex'),
      gate: openGate,
      workspaceId: SANDBOX_WORKSPACE.id,
      environment: 'dev',
      projectIntervalMs: 0,
      region: null,
      registryCredentials: null,
    }),
    fail: (how) => void sim.faults.add({ provider: 'railway', times: 1, effect: effects[how] }),
    rise: () => {},
    close: () => sim.close(),
  }
})

infraContract('the one in memory', async () => {
  let last = 0
  const infra = fakeInfra(() => `127.0.2.${++last}`)
  return {
    ...failingInfra(infra.provider),
    rise() {
      for (const { deployments } of infra.live()) for (const deployment of deployments) deployment.verdict = 'up'
    },
    close: () => Promise.resolve(),
  }
})
