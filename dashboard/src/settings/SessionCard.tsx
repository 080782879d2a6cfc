import { LogOut } from '../frame/LogOut.tsx'
import { useSession } from '../session/session.ts'
import { formatAge, formatMoment } from '../ui/format.ts'
import { useTicking } from '../ui/ticking.ts'
import { titled } from '../ui/titled.ts'

const MAY = {
  operator: 'sees and does everything',
  claimer: 'claims agents, and sees its own claims',
} as const

/** Who is looking, and for how long. */
export function SessionCard() {
  const { role, expiresAt, principal, keyName } = useSession()
  const end = Date.parse(expiresAt)
  const left = useTicking((now) => formatAge(end - now))
  return (
    <section className="panel stack" aria-labelledby="settings-session">
      <h2 id="settings-session" className="panel-title">
        This session
      </h2>
      <dl className="settings-facts">
        <dt>Key</dt>
        <dd>
          <bdi>{keyName ?? (principal === 'key:pool' ? "the pool's own" : 'not told')}</bdi>{' '}
          {keyName !== null && <code>{principal}</code>}
        </dd>
        <dt>Role</dt>
        <dd>
          {role}: {MAY[role]}
        </dd>
        <dt>Ends</dt>
        <dd>
          <time dateTime={expiresAt} {...titled(() => formatMoment(end))}>
            in {left}
          </time>
          , or when its key is revoked
        </dd>
      </dl>
      <div className="act">
        <LogOut className="button" />
      </div>
    </section>
  )
}
