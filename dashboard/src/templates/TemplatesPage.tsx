import { Link, useSearch } from '@tanstack/react-router'
import { EmptyState } from '../ui/EmptyState.tsx'
import { useTitle } from '../ui/useTitle.ts'
import { NewTemplate } from './NewTemplate.tsx'
import { OneTemplate } from './OneTemplate.tsx'
import { TemplateList } from './TemplateList.tsx'
import { opened, type TemplatesView, viewFrom } from './view.ts'

/** What agents are made from: found, read, written. */
export function TemplatesPage() {
  useTitle('Templates')
  const view = viewFrom(useSearch({ strict: false }))
  return (
    <div className="page templates" data-open={view.open !== ''}>
      <h1 className="visually-hidden">Templates</h1>
      <TemplateList view={view} />
      <div className="template-open">
        {view.open !== '' && (
          <Link to="/templates" search={opened('')} className="template-back">
            All templates
          </Link>
        )}
        <Open view={view} />
      </div>
    </div>
  )
}

function Open({ view }: { view: TemplatesView }) {
  if (view.open === 'new') return <NewTemplate key={view.from} from={view.from} />
  if (view.open !== '') return <OneTemplate key={view.open} view={view} />
  return (
    <EmptyState
      what="Choose a template, or write one."
      hint="A template is an agent's name, what it is told, its tools and its model. Agents are claimed from it in two clicks."
    />
  )
}
