import { createHash } from 'node:crypto'

/** Railway refuses longer project names. */
const PROJECT_NAME_MAX = 32

export interface Deployment {
  deploymentId: string
  environment: string
}

/** How an instance's resources are told from everybody else's: in the project's description, as the name of its model key. */
export const markerOf = ({ deploymentId, environment }: Deployment, instanceId: string): string =>
  `convos:${deploymentId}:${environment}:${instanceId}`

/** Tells deployments apart where anybody may look, without naming one. */
export const fingerprintOf = (deployment: Deployment): string => fingerprintOfMarker(markerOf(deployment, ''))
export const fingerprintOfMarker = (marker: string): string => createHash('sha256').update(marker).digest('hex').slice(0, 16)

/** A name for people; it always holds the whole instance id, so that no two are alike. */
export const projectName = (environment: string, instanceId: string): string => named(`convos-${environment}`, instanceId)

/** What it is called once it is somebody's agent. */
export const claimedProjectName = (agentName: string, instanceId: string): string => named(agentName, instanceId)

function named(words: string, instanceId: string): string {
  const slug = words
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, PROJECT_NAME_MAX - 1 - instanceId.length)
    .replaceAll(/-+$/g, '')
  return `${slug || 'convos'}-${instanceId}`
}

/** What an instance's resource carries at its provider: its marker; a later one is told apart from what the earlier ones left. */
export const keyOf = (marker: string, generation: number): string => (generation === 1 ? marker : `${marker}:${generation}`)

/** Whose a key at a provider is; null for what is not ours: another deployment's, another environment's, or somebody's own words. */
export function ownerOf(marker: (instanceId: string) => string, key: string): { instanceId: string; generation: number } | null {
  const ours = marker('')
  if (!key.startsWith(ours)) return null
  const [, instanceId, generation = '1'] = /^([a-z0-9]{12})(?::([2-9]|[1-9]\d{1,5}))?$/.exec(key.slice(ours.length)) ?? []
  return instanceId === undefined ? null : { instanceId, generation: Number(generation) }
}
