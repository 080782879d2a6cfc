import type { ApiKey } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useSession } from '../session/session.ts'
import { Age } from '../ui/Age.tsx'
import { Button } from '../ui/Button.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { plural } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { Skeleton } from '../ui/Skeleton.tsx'
import { limitsOf } from './limits.ts'
import { keysQuery } from './queries.ts'
import { RevokeDialog } from './RevokeDialog.tsx'

/** The keys that open this pool, and those that did. */
export function Keys({ onNew }: { onNew: () => void }) {
  const { data, error } = useQuery(keysQuery)
  const [asked, setAsked] = useState<ApiKey | null>(null)
  const alive = data?.keys.filter(({ revokedAt }) => revokedAt === null) ?? []
  const revoked = data?.keys.filter(({ revokedAt }) => revokedAt !== null) ?? []
  return (
    <section className="panel stack" aria-labelledby="settings-keys">
      <div className="settings-head">
        <h2 id="settings-keys" className="panel-title">
          Access keys
        </h2>
        <Button look="primary" className="compact" onClick={onNew}>
          New key
        </Button>
      </div>
      <p className="hint">
        One for each person, site or script, so that one can be revoked without the others. The pool's own key is not among them:
        it is set where the pool is deployed.
      </p>
      {error && <Problem error={error} />}
      {!data && !error && <Waiting />}
      {data && alive.length === 0 && (
        <EmptyState what="There are no keys but the pool's own." hint="Make one for whoever is to claim agents." />
      )}
      {alive.length > 0 && <KeyTable keys={alive} onRevoke={setAsked} />}
      {revoked.length > 0 && (
        <details className="disclosure">
          <summary>{plural(revoked.length, 'revoked key')}</summary>
          <KeyTable keys={revoked} onRevoke={null} />
        </details>
      )}
      {asked && <RevokeDialog apiKey={asked} onClose={() => setAsked(null)} />}
    </section>
  )
}

function KeyTable({ keys, onRevoke }: { keys: readonly ApiKey[]; onRevoke: ((key: ApiKey) => void) | null }) {
  const { principal } = useSession()
  return (
    <table className="key-table" aria-label={onRevoke ? 'Keys' : 'Revoked keys'}>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Role</th>
          <th scope="col">Claims</th>
          <th scope="col">Made</th>
          <th scope="col">{onRevoke ? 'Last used' : 'Revoked'}</th>
          {onRevoke && (
            <th scope="col">
              <span className="visually-hidden">Acts</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <tr key={key.id}>
            <td className="key-name">
              <bdi>{key.name}</bdi> <code>{key.id}</code>
              {principal === `key:${key.id}` && <span className="tag">this session</span>}
            </td>
            <td data-label="Role">{key.role}</td>
            <td data-label="Claims">{limitsOf(key)}</td>
            <td data-label="Made">
              <Ago at={key.createdAt} />
            </td>
            <td data-label={onRevoke ? 'Last used' : 'Revoked'}>
              <Ago at={onRevoke ? key.lastUsedAt : key.revokedAt} />
            </td>
            {onRevoke && (
              <td className="key-act">
                <Button look="danger" className="compact" aria-label={`Revoke ${key.name}`} onClick={() => onRevoke(key)}>
                  Revoke
                </Button>
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const Ago = ({ at }: { at: string | null }) =>
  at === null ? (
    'never'
  ) : (
    <span>
      <Age since={at} /> ago
    </span>
  )

const Waiting = () => (
  <div className="stack" aria-busy="true">
    {[0, 1, 2].map((line) => (
      <Skeleton key={line} className="w-full" />
    ))}
  </div>
)
