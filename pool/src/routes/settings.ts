import { type Endpoint, endpoint } from '@convos/kit'
import type { Context } from '../context.ts'
import { Settings, SettingsPatch } from '../contract/index.ts'
import { readSettings, setPaused } from '../db/settings.ts'

/** What an operator may change while the pool runs: `paused`, the way back from a drain that was not to be refilled. */
export function settingsRoutes({ config, db, signals }: Context): Endpoint<'operator'>[] {
  const present = async () => ({ ...(await readSettings(db)), minIdle: config.minIdle, maxTotal: config.maxTotal })
  return [
    endpoint({
      method: 'get',
      path: '/api/pool/settings',
      operationId: 'getSettings',
      summary: 'What the pool is set to',
      auth: 'operator',
      replies: { 200: Settings },
      handle: async () => ({ status: 200, body: await present() }),
    }),
    endpoint({
      method: 'patch',
      path: '/api/pool/settings',
      operationId: 'changeSettings',
      summary: 'Pause the refill, or go on',
      auth: 'operator',
      body: SettingsPatch,
      replies: { 200: Settings },
      async handle({ body: { paused } }) {
        await setPaused(db, paused)
        signals.emit('shrunk')
        return { status: 200, body: await present() }
      },
    }),
  ]
}
