import { z } from 'zod'
import type { Context } from '../context.ts'
import { can } from '../contract/index.ts'
import { readInstance } from '../db/instances.ts'
import { type Override, readTold, recordSynced } from '../db/sync.ts'
import { readTemplate, type TemplateContent } from '../db/templates.ts'
import type { Work } from './work.ts'

const SyncInput = z.object({ templateId: z.string() })
export type SyncInput = z.infer<typeof SyncInput>

/** Gives one agent what its template says by now, but for what its claimer chose otherwise. */
export const syncWork =
  ({ db, services, signals }: Pick<Context, 'db' | 'services' | 'signals'>): Work =>
  async ({ instance_id: id, input, actor, request_id: requestId }) => {
    const { templateId } = SyncInput.parse(input)
    const [row, told] = id === null ? [] : [await readInstance(db, id), await readTold(db, id)]
    if (!row || !told) return { error: 'the instance is gone' }
    const may = can('sync', row)
    if (may !== true) return { error: may }
    const template = await readTemplate(db, templateId)
    if (!template || template.deleted_at) return { error: 'the template is no longer in use' }
    if (told.overrides === null) return { error: 'what its claimer chose is not known, so it was left alone' }

    const change = changeFor(template, told.overrides)
    if (Object.keys(change).length > 0) await services.reconfigure(row.id, change, requestId ?? undefined)
    const synced = await recordSynced(db, {
      id: row.id,
      claimId: row.claim_id,
      templateId,
      version: template.version,
      instructions: change.instructions,
      model: change.model,
      actor,
      requestId,
    })
    if (synced === null) return { error: 'it is no longer claimed' }
    signals.emit('changed')
    return synced ? { done: true } : { againMs: 0 }
  }

/** What an agent is to be told; a template without a model takes away the one that it had from it. */
function changeFor(
  { instructions, model }: Pick<TemplateContent, 'instructions' | 'model'>,
  overrides: readonly Override[],
): { instructions?: string; model?: string | null } {
  return {
    ...(overrides.includes('instructions') ? {} : { instructions }),
    ...(overrides.includes('model') ? {} : { model: model.default }),
  }
}
