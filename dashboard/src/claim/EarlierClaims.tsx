import { Link } from '@tanstack/react-router'
import { Age } from '../ui/Age.tsx'
import type { Earlier } from './earlier.ts'

/** The agents that were claimed in this tab, to be found again. */
export function EarlierClaims({ claims }: { claims: readonly Earlier[] }) {
  if (claims.length === 0) return null
  return (
    <section className="column earlier" aria-labelledby="earlier">
      <h2 id="earlier">Your claims</h2>
      <ul>
        {claims.map(({ claimId, agentName, at }) => (
          <li key={claimId}>
            <Link to="/" search={{ claim: claimId }}>
              <bdi>{agentName}</bdi>
            </Link>
            <span className="hint">
              <Age since={at} /> ago
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
