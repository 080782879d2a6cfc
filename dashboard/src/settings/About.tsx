import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { versionQuery } from '../api/queries.ts'
import { alertsQuery, imagesQuery } from '../pool/queries.ts'
import { imageName } from '../pool/words.ts'
import { useSession } from '../session/session.ts'
import { plural } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { versionsQuery } from './queries.ts'

const OURS = import.meta.env['VITE_BUILD'] as string | undefined

/** Which parts there are, and where to read about them. */
export function About() {
  const isOperator = useSession().role === 'operator'
  const version = useQuery(versionQuery).data
  return (
    <section className="panel stack" aria-labelledby="settings-about">
      <h2 id="settings-about" className="panel-title">
        Versions and API
      </h2>
      <dl className="settings-facts">
        <dt>Environment</dt>
        <dd>{version?.environment ?? '–'}</dd>
        {isOperator ? <Parts /> : <Build name="Pool" build={version} />}
        <dt>Dashboard</dt>
        <dd>{OURS ?? 'not built'}</dd>
        <dt>API</dt>
        <dd className="settings-links">
          <a href="/docs">Description</a> <a href="/openapi.json">OpenAPI</a>
        </dd>
      </dl>
    </section>
  )
}

/** What a build says that was not made from a commit. */
const NOT_TOLD = 'unknown'

interface BuildProps {
  name: string
  /** Undefined until it is known; null: it does not answer. */
  build: { version: string; commit: string; schema?: string } | null | undefined
}

const Build = ({ name, build }: BuildProps) => (
  <>
    <dt>{name}</dt>
    <dd>
      {build === undefined && '–'}
      {build === null && <span className="bad">does not answer</span>}
      {build && (
        <>
          {build.version}
          {build.commit !== NOT_TOLD && (
            <>
              , commit <code title={build.commit}>{build.commit.slice(0, 12)}</code>
            </>
          )}
          {build.schema !== undefined && <>, schema {build.schema.replace(/\.sql$/, '')}</>}
        </>
      )}
    </dd>
  </>
)

/** What operators are told beyond the build of the pool. */
function Parts() {
  const versions = useQuery(versionsQuery)
  const images = useQuery(imagesQuery).data
  const firing = useQuery(alertsQuery).data?.firing.length
  return (
    <>
      {versions.error && (
        <>
          <dt>Versions</dt>
          <dd>
            <Problem error={versions.error} />
          </dd>
        </>
      )}
      <Build name="Pool" build={versions.data?.pool} />
      <Build name="Services" build={versions.data?.services} />
      <dt>Image</dt>
      <dd>
        {images ? <code title={images.wanted ?? undefined}>{imageName(images.wanted)}</code> : '–'}{' '}
        <Link to="/pool">Images on the Pool page</Link>
      </dd>
      <dt>Alerts</dt>
      <dd>
        {firing === undefined ? (
          '–'
        ) : firing === 0 ? (
          'none fires'
        ) : (
          <span className="bad">▲ {plural(firing, 'alert')} firing</span>
        )}{' '}
        {firing !== undefined && firing > 0 && <Link to="/pool">See the Pool page</Link>}
      </dd>
    </>
  )
}
