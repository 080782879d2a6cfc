import { mayChangeTemplate, type Template } from '@convos/pool/contract'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useSession } from '../session/session.ts'
import { Problem } from '../ui/Problem.tsx'
import { Tabs } from '../ui/Tabs.tsx'
import { useSetSearch } from '../ui/useUrlText.ts'
import { History } from './history/History.tsx'
import { OpenLoading } from './OpenLoading.tsx'
import { inList, templateQuery } from './queries.ts'
import { TemplateEditor } from './TemplateEditor.tsx'
import { TemplateHead } from './TemplateHead.tsx'
import { TemplateReader } from './TemplateReader.tsx'
import { Unsaved } from './Unsaved.tsx'
import { useEditing } from './useEditing.ts'
import type { TemplatesView } from './view.ts'

/** One template, to be read or changed, and what it was. */
export function OneTemplate({ view }: { view: TemplatesView }) {
  const client = useQueryClient()
  const { data, error } = useQuery({ ...templateQuery(view.open), placeholderData: () => inList(client, view.open) })
  if (data) return <Open template={data} gone={error?.status === 404} view={view} />
  return error ? <Problem error={error} /> : <OpenLoading />
}

function Open({ template, gone, view }: { template: Template; gone: boolean; view: TemplatesView }) {
  const setSearch = useSetSearch()
  const mine = mayChangeTemplate(template, useSession())
  const editing = useEditing(template.id, template, template.version)
  const dirty = editing.changed.length > 0
  const edit = () =>
    mine ? <TemplateEditor template={template} gone={gone} editing={editing} /> : <TemplateReader template={template} />
  const history = () => <History template={template} view={view} mine={mine} dirty={dirty} />
  return (
    <>
      <TemplateHead template={template} gone={gone} mine={mine} draft={dirty ? editing.draft : null} />
      {gone && (
        <p className="notice" role="status">
          Somebody deleted this template meanwhile. Agents made from it stay, and what you see can be saved as another one.
        </p>
      )}
      <Tabs
        label="What of the template"
        value={view.tab}
        onChange={(tab) => setSearch({ tab: tab === 'edit' ? '' : tab, version: '', against: '' })}
        tabs={[
          { value: 'edit', label: mine ? 'Edit' : 'Template', panel: edit },
          { value: 'history', label: 'History', panel: history },
        ]}
      />
      <Unsaved editing={editing} />
    </>
  )
}
