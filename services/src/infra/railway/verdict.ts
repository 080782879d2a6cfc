import type { DeploymentVerdict } from '../provider.ts'

export interface DeploymentFacts {
  status: string
  deploymentStopped: boolean
  instances: { status: string }[]
}

/**
 * What a deployment's status means. The order matters: while one is rising it reads as stopped, and an instance runs seconds before the
 * deployment is up. What this version does not know counts as rising, of which nothing follows.
 */
export function verdictOf({ status, deploymentStopped, instances }: DeploymentFacts): DeploymentVerdict {
  if (status === 'FAILED' || status === 'CRASHED') return 'failed'
  if (status === 'REMOVING' || status === 'REMOVED' || status === 'SKIPPED') return 'removed'
  if (status === 'SLEEPING') return 'asleep'
  if (status !== 'SUCCESS') return 'rising'
  return !deploymentStopped && instances.some((instance) => instance.status === 'RUNNING') ? 'up' : 'down'
}
