import { type Endpoint, endpoint } from '@convos/kit'
import { callerOf, requestIdOf } from '../auth.ts'
import type { Context } from '../context.ts'
import { Settings, SettingsPatch, SettingsValues } from '../contract/index.ts'
import { changeSettings, readSettings } from '../db/settings.ts'

/** What an operator may change while the pool runs. */
export function settingsRoutes({ db, signals }: Context): Endpoint<'operator'>[] {
  async function present(): Promise<Settings> {
    const { edited, ...values } = await readSettings(db)
    const sourceOf = (name: keyof SettingsValues) => (edited.includes(name) ? 'operator' : 'environment')
    const names = SettingsValues.keyof().options
    return { ...values, source: Object.fromEntries(names.map((name) => [name, sourceOf(name)])) as Settings['source'] }
  }
  return [
    endpoint({
      method: 'get',
      path: '/api/pool/settings',
      operationId: 'getSettings',
      summary: 'What the pool is set to, and whether an operator or the environment said so',
      auth: 'operator',
      replies: { 200: Settings },
      handle: async () => ({ status: 200, body: await present() }),
    }),
    endpoint({
      method: 'patch',
      path: '/api/pool/settings',
      operationId: 'changeSettings',
      summary: 'Change settings; they hold for every replica, at once and from then on',
      auth: 'operator',
      body: SettingsPatch,
      replies: { 200: Settings },
      async handle({ body, req, res }) {
        await changeSettings(db, { change: body, actor: callerOf(res).id, requestId: requestIdOf(req) })
        signals.emit('shrunk')
        return { status: 200, body: await present() }
      },
    }),
  ]
}
