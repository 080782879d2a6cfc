import { type Loop, startLoop } from '@convos/kit'
import type { Context } from './context.ts'
import { pruneChanges } from './db/changes.ts'
import { expireRetained } from './db/tools.ts'
import { CHANGES_KEPT, UPKEEP_EVERY } from './limits.ts'
import { forgetOld } from './public/retention.ts'

/** Forgets what need not be kept any longer; every replica may do it. */
export function startUpkeep(ctx: Context): Loop {
  return startLoop({
    name: 'upkeep',
    everyMs: UPKEEP_EVERY,
    clock: ctx.clock,
    log: ctx.log,
    async pass() {
      // secrets first, and whatever becomes of the rest
      const shredded = await expireRetained(ctx.db)
      if (shredded > 0) ctx.log.info({ shredded }, 'retained secrets were shredded')
      await forgetOld(ctx.db)
      await pruneChanges(ctx.db, CHANGES_KEPT)
    },
  })
}
