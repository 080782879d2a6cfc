import type { Template, TemplateVersion } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useSession } from '../../session/session.ts'
import { Age } from '../../ui/Age.tsx'
import { Problem } from '../../ui/Problem.tsx'
import { useSetSearch } from '../../ui/useUrlText.ts'
import { Compare } from '../Compare.tsx'
import { changedFields } from '../draft.ts'
import { OpenLoading } from '../OpenLoading.tsx'
import { Preview } from '../Preview.tsx'
import { versionsQuery } from '../queries.ts'
import { Segments } from '../Segments.tsx'
import type { TemplatesView } from '../view.ts'
import { changeText } from '../words.ts'
import { Restore } from './Restore.tsx'

interface HistoryProps {
  template: Template
  view: TemplatesView
  mine: boolean
  dirty: boolean
}

/** What a template was, what each version changed, and the way back. */
export function History({ template, view, mine, dirty }: HistoryProps) {
  const { data, error } = useQuery(versionsQuery(template))
  if (!data) return error ? <Problem error={error} /> : <OpenLoading />
  const { versions, truncated } = data
  const shown = versions.find(({ version }) => version === view.version) ?? versions[0]
  if (!shown) return <p className="hint">None of its versions was public when it was made.</p>
  return (
    <div className="history">
      <nav aria-label="Versions">
        <ol className="versions">
          {versions.map((version, at) => (
            <Version key={version.version} version={version} before={versions[at + 1]} isShown={version === shown} />
          ))}
        </ol>
        {truncated && <p className="hint">There are older ones than can be shown.</p>}
      </nav>
      <OneVersion
        template={template}
        shown={shown}
        before={versions[versions.indexOf(shown) + 1]}
        view={view}
        restore={mine ? <Restore template={template} version={shown} dirty={dirty} /> : null}
      />
    </div>
  )
}

interface VersionProps {
  version: TemplateVersion
  before: TemplateVersion | undefined
  isShown: boolean
}

function Version({ version, before, isShown }: VersionProps) {
  const { principal } = useSession()
  return (
    <li>
      <Link
        to="/templates"
        search={(old) => ({ ...old, version: String(version.version) })}
        replace
        resetScroll={false}
        className="version"
        data-shown={isShown}
        {...(isShown ? { 'aria-current': 'true' } : {})}
      >
        <b>Version {version.version}</b>
        <span className="hint">
          <Age since={version.createdAt} /> ago by {version.author === principal ? 'you' : version.author}
        </span>
        <span className="version-changed">{changeOf(version, before)}</span>
      </Link>
    </li>
  )
}

function changeOf(version: TemplateVersion, before: TemplateVersion | undefined): string {
  if (before) return changeText(changedFields(before, version))
  return version.version === 1 ? 'The first' : 'What was before is not known'
}

interface OneVersionProps {
  template: Template
  shown: TemplateVersion
  before: TemplateVersion | undefined
  view: TemplatesView
  restore: ReactNode
}

function OneVersion({ template, shown, before, view, restore }: OneVersionProps) {
  const setSearch = useSetSearch()
  const against = before === undefined ? 'now' : view.against
  const names = (version: number) => `version ${version}`
  return (
    <section className="stack" aria-label={`Version ${shown.version}`}>
      <div className="act">
        <Segments
          label="Compare"
          value={against}
          options={[
            { value: 'before', label: 'What it changed', unable: before ? undefined : 'nothing before it is known' },
            { value: 'now', label: 'What has changed since' },
          ]}
          onChange={(value) => setSearch({ against: value === 'now' ? 'now' : '' })}
        />
        {shown.version !== template.version && restore}
      </div>
      {against === 'before' && before ? (
        <Compare before={before} after={shown} names={{ before: names(before.version), after: names(shown.version) }} />
      ) : (
        <Compare before={shown} after={template} names={{ before: names(shown.version), after: names(template.version) }} />
      )}
      <details className="disclosure">
        <summary>All of its instructions</summary>
        <div className="preview-text">
          <Preview text={shown.instructions} />
        </div>
      </details>
    </section>
  )
}
