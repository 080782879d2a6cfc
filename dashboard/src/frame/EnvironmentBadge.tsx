import { useQuery } from '@tanstack/react-query'
import { versionQuery } from '../api/queries.ts'

/** Which environment this is, so that nobody takes production for staging. */
export function EnvironmentBadge() {
  const { data } = useQuery(versionQuery)
  if (!data) return null
  return (
    <span className={`badge environment-${data.environment}`} title={`pool ${data.version}, ${data.commit}`}>
      {data.environment}
    </span>
  )
}
