import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { templatesQuery, toolsQuery } from '../api/queries.ts'
import { useSession } from '../session/session.ts'
import { Button } from '../ui/Button.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { plural } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { Skeleton } from '../ui/Skeleton.tsx'
import { useSetSearch, useUrlText } from '../ui/useUrlText.ts'
import { agentsOf, shownTemplates } from './listing.ts'
import { ASK_MS } from './queries.ts'
import { TemplateRow } from './TemplateRow.tsx'
import { useAgents } from './useAgents.ts'
import { SEARCH_ID, useListKeys } from './useListKeys.ts'
import { opened, SHARES, type TemplatesView } from './view.ts'

const SHARE_NAMES = { mine: 'Yours', public: 'Public', private: 'Private' } as const

/** The templates that one may see. */
export function TemplateList({ view }: { view: TemplatesView }) {
  const session = useSession()
  const [text, setText] = useUrlText('q')
  const setSearch = useSetSearch()
  const list = useQuery({ ...templatesQuery, refetchInterval: ASK_MS })
  const tools = useQuery(toolsQuery).data?.tools ?? []
  const agents = useAgents()
  const counts = useMemo(() => agents && agentsOf(agents.instances), [agents])
  const shown = useMemo(
    () => (list.data ? shownTemplates(list.data.templates, { text: view.text, share: view.share }, session) : null),
    [list.data, view.text, view.share, session],
  )
  useListKeys()
  return (
    <section className="template-list" aria-label="All templates">
      <div className="template-tools">
        <input
          id={SEARCH_ID}
          type="search"
          aria-label="Search templates"
          placeholder="Search"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Link to="/templates" search={opened('new')} className="button primary">
          New template
        </Link>
      </div>
      <div className="template-tools">
        <div className="chips" role="group" aria-label="Which of them">
          {SHARES.map((share) => (
            <button
              key={share}
              type="button"
              className="chip"
              aria-pressed={view.share === share}
              onClick={() => setSearch({ show: view.share === share ? '' : share })}
            >
              {SHARE_NAMES[share]}
            </button>
          ))}
        </div>
        <p className="hint" role="status">
          {shown === null ? '' : plural(shown.length, 'template')}
        </p>
      </div>
      {list.error && (
        <div className="stack">
          <Problem error={list.error} />
          <Button className="compact" onClick={() => void list.refetch()}>
            Try again
          </Button>
        </div>
      )}
      {shown === null && !list.error && <Loading />}
      {shown && shown.length > 0 && (
        <ul className="template-rows">
          {shown.map((template) => (
            <TemplateRow
              key={template.id}
              template={template}
              tools={tools}
              agents={counts === null ? null : (counts.get(template.id) ?? 0)}
              isOpen={template.id === view.open}
            />
          ))}
        </ul>
      )}
      {shown?.length === 0 && <None isFiltered={(list.data?.templates.length ?? 0) > 0} />}
      {list.data?.truncated && <p className="hint">These are the newest 200; search looks at them alone.</p>}
    </section>
  )
}

function None({ isFiltered }: { isFiltered: boolean }) {
  const setSearch = useSetSearch()
  if (!isFiltered) return <EmptyState what="There are no templates yet." hint="Write one, and agents can be claimed from it." />
  return (
    <EmptyState what="No template is like that.">
      <Button onClick={() => setSearch({ q: '', show: '' })}>Show all</Button>
    </EmptyState>
  )
}

const Loading = () => (
  <ul className="template-rows" aria-busy="true">
    {['one', 'two', 'three'].map((row) => (
      <li key={row} className="template-row">
        <Skeleton className="w-2/3" />
        <Skeleton className="w-full" />
      </li>
    ))}
  </ul>
)
