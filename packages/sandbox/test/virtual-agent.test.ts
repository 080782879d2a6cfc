import { expect, test } from 'vitest'
import { simClock } from '../src/simulators/core/clock.ts'
import { virtualAgent } from '../src/simulators/railway/hosts/virtual/agent.ts'
import { emptyVolume } from '../src/simulators/railway/hosts/virtual/model.ts'

const open = () => {
  const volume = emptyVolume()
  const inviteUrl = (slug: string) => `http://127.0.0.1/convos/v2?i=${slug}`
  const agent = virtualAgent({ volume, variables: { OPENROUTER_API_KEY: 'k' }, clock: simClock(), workMs: () => 0, inviteUrl })
  return { volume, agent }
}
const order = (claimId: string) => ({ claimId, agentName: 'Ada', instructions: 'Be kind.' })

test('a profile is applied when it is newer, and what it leaves out stays', async () => {
  const { volume, agent } = open()
  await agent.provision(order('c1'))
  agent.changeProfile({ revision: 2, agentName: 'Grace', model: 'acme/large' })
  agent.changeProfile({ revision: 2, agentName: 'Late' })
  agent.changeProfile({ revision: 1, instructions: 'Be long.' })
  expect(volume.claim).toMatchObject({ agentName: 'Grace', instructions: 'Be kind.', model: 'acme/large', profileRevision: 2 })
})

test('variables are laid over, taken away by null, and replaced by a new claim’s own', async () => {
  const { volume, agent } = open()
  agent.layOver({ EARLY: 'x', LATER: 'y' })
  agent.layOver({ EARLY: null, LATER: 'z' })
  expect(volume.overlay).toEqual({ LATER: 'z' })
  await agent.provision({ ...order('c1'), env: { MINE: '1' } })
  await agent.provision({ ...order('c1'), env: { MORE: '2' } })
  expect(volume.overlay).toEqual({ MINE: '1', MORE: '2' })
})

test('whoever asks to join is let in, and cannot be called back from there', async () => {
  const { agent } = open()
  const joinUrl = 'http://127.0.0.1/convos/v2?i=somewhere'
  expect(await agent.provision({ ...order('c1'), joinUrl })).toMatchObject({ joined: true, inviteUrl: joinUrl, status: 'active' })
  expect(agent.cancel('c1')).toBe(true)
  expect(agent.health()).toMatchObject({ binding: 'active' })
})

test('without a key for a model it is not ready', () => {
  const { agent, volume } = open()
  expect(agent.health().ready).toBe(true)
  volume.overlay = { OPENROUTER_API_KEY: '' }
  expect(agent.health().ready).toBe(false)
})
