/** Railway refuses longer project names. */
const PROJECT_NAME_MAX = 32

export interface Deployment {
  deploymentId: string
  environment: string
}

/** How an instance's resources are told from everybody else's: in the project's description, as the name of its model key. */
export const markerOf = ({ deploymentId, environment }: Deployment, instanceId: string): string =>
  `convos:${deploymentId}:${environment}:${instanceId}`

/** A name for people; it always holds the whole instance id, so that no two are alike. */
export function projectName(environment: string, instanceId: string): string {
  const room = PROJECT_NAME_MAX - 'convos--'.length - instanceId.length
  const slug = environment
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, room)
    .replaceAll(/^-+|-+$/g, '')
  return slug ? `convos-${slug}-${instanceId}` : `convos-${instanceId}`
}
