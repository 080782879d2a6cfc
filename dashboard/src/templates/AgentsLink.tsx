import { Link } from '@tanstack/react-router'
import { agentsOf } from './listing.ts'
import { useAgents } from './useAgents.ts'
import { agentsText } from './words.ts'

/** How many agents of a template there are; for operators, who may see them. */
export function AgentsLink({ templateId }: { templateId: string }) {
  const agents = useAgents()
  if (!agents) return null
  const count = agentsOf(agents.instances).get(templateId) ?? 0
  if (count === 0) return <span>{agents.truncated ? '' : 'no agents'}</span>
  return (
    <Link to="/instances" search={{ template: templateId }}>
      {agentsText(count, agents.truncated)}
    </Link>
  )
}
