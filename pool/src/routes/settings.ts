import { Router } from 'express'
import type { Auth } from '../auth.ts'
import type { Context } from '../context.ts'
import { SettingsPatch } from '../contract/index.ts'
import { readSettings, setPaused } from '../db/settings.ts'

/** What an operator may change while the pool runs: `paused`, the way back from a drain that was not to be refilled. */
export const settings = ({ config, db, signals }: Context, auth: Auth) => {
  const present = async () => ({ ...(await readSettings(db)), minIdle: config.minIdle, maxTotal: config.maxTotal })
  return Router()
    .get('/api/pool/settings', auth('operator'), async (_req, res) => void res.json(await present()))
    .patch('/api/pool/settings', auth('operator'), async (req, res) => {
      const { paused } = SettingsPatch.parse(req.body ?? {})
      await setPaused(db, paused)
      signals.emit('shrunk')
      res.json(await present())
    })
}
