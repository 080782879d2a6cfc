import type { Instance, Session, Template } from '@convos/pool/contract'
import { templatesMatching } from '../claim/templates.ts'
import type { TemplatesView } from './view.ts'

/** Those to be shown, what was changed last first. */
export function shownTemplates(
  templates: readonly Template[],
  { text, share }: Pick<TemplatesView, 'text' | 'share'>,
  { principal }: Pick<Session, 'principal'>,
): Template[] {
  const passes = ({ creatorId, visibility }: Template) =>
    share === null || (share === 'mine' ? creatorId === principal : visibility === share)
  return templatesMatching(templates, text)
    .filter(passes)
    .toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt) || a.id.localeCompare(b.id))
}

/** How many agents there are of each template. */
export function agentsOf(instances: readonly Instance[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { templateId } of instances) if (templateId !== null) counts.set(templateId, (counts.get(templateId) ?? 0) + 1)
  return counts
}
