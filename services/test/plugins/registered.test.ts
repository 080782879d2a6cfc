import { expect, test } from 'vitest'
import { registerAll, type ToolOptions } from '../../src/plugins/index.ts'
import { createRegistry } from '../../src/registry.ts'
import { INSTANCE_VARIABLES } from '../support/instance-variables.ts'

const OFF: ToolOptions = { openrouter: null, agentmail: null, telnyx: null, bankr: null }
/** Of the tools that every instance has from the beginning. */
const TOOLS_OF_ALL = ['OPENROUTER_API_KEY', 'PRIVATE_WALLET_KEY']
const bankr = { url: 'http://127.0.0.1:9', partnerKey: 'partner' }

function registered(options: ToolOptions) {
  const registry = createRegistry()
  const passed: string[] = []
  registerAll(registry, options, (provider) => ({
    pass: (operation) => {
      passed.push(`${provider} ${operation}`)
      return Promise.reject(new Error('closed'))
    },
  }))
  return { registry, passed }
}

test('every tool is known, configured or not; a wallet needs no provider', () => {
  const tools = registered(OFF).registry.getAll()
  expect(tools.map(({ toolId, available, provisioning }) => [toolId, available, provisioning.join(' ')])).toEqual([
    ['openrouter', false, 'always'],
    ['wallet', true, 'always'],
    ['email', false, 'pool'],
    ['sms', false, 'pool user'],
    ['crypto', false, 'pool'],
  ])
  expect(registered({ ...OFF, bankr }).registry.getByToolId('crypto')?.available).toBe(true)
})

test('what a provider is asked passes the gate of its name', async () => {
  const { registry, passed } = registered(OFF)
  for (const { resources } of registry.getAll()) for (const { find } of resources) await find('convos:a:b:c').catch(() => [])
  expect(passed).toEqual([
    'openrouter listKeys',
    'agentmail listInboxes',
    'agentmail listInboxes',
    'telnyx listOrders',
    'bankr createWallet',
  ])
})

test('what tools give an instance is exactly what one may hold of them', () => {
  const given = registered(OFF)
    .registry.getAll()
    .flatMap(({ resources }) => resources.flatMap(({ variables }) => variables))
  // a claimer brings a number's key along
  expect(new Set([...given, 'TELNYX_API_KEY'])).toEqual(new Set([...INSTANCE_VARIABLES.tools, ...TOOLS_OF_ALL]))
})
