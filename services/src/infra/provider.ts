/**
 * Where instances live. Any number of verbs may be called twice; nothing is retried inside. A provider knows what an instance is to be,
 * not why; the ledger, the queueing and the repeats are its callers'.
 * All verbs throw ProviderError.
 */
export interface InfraProvider {
  name: string
  /**
   * What it takes to have a place where an instance can be put, in the order the provider forces. The first makes the place itself: all
   * others are inside it and go with it.
   */
  ensure: readonly [PlaceStep, ...PlaceStep[]]

  /** Live places that carry exactly this marker, oldest first; looks back to `since`. Lists lag behind creations and deletions. */
  find(p: { marker: string; since: Date }): Promise<Place[]>
  /** Every live place in reach that carries a marker of ours. */
  list(): Promise<ListedPlace[]>
  /** What runs in a place and with which variables; null when it cannot be seen. For taking a lost instance back. */
  inspect(place: Place): Promise<Inspected | null>

  /** Makes the place what is desired, in one go: what differs from the present starts one deployment, no difference is a no-op. */
  patch(place: Place, p: { desired: DesiredState; removedVariables: string[] }): Promise<void>
  /** Deploys the present configuration explicitly; the new deployment's id. */
  redeploy(place: Place): Promise<string>
  /** Starts the same deployment's process again, a crashed one too. */
  restart(place: Place, deploymentId: string): Promise<void>
  rename(place: Place, name: string): Promise<void>
  /**
   * One request, for at most `statusBatch` places, by instance; what cannot be seen is missing from the answer, which proves nothing
   * about it. `atLeisure`: it yields to what somebody waits for.
   */
  status(places: PlaceOf[], p?: { atLeisure: boolean }): Promise<Map<string, PlaceStatus>>
  statusBatch: number
  /** The newest lines of a deployment, oldest first. */
  logs(deploymentId: string, p: { limit: number }): Promise<LogLine[]>

  /** "Gone already" is success; success means accepted, see `gone`. */
  drop(place: Place): Promise<void>
  /** True only when the provider says so: not being able to see it proves nothing. */
  gone(place: Place): Promise<boolean>

  /** Null where the provider cannot do it. */
  checkpoints: { save(place: Place): Promise<void>; restore(place: Place): Promise<void> } | null
}

/** Everything an instance is to be, in the provider-neutral form that creation and later upgrades share. */
export interface DesiredState {
  /** `name@sha256:…` */
  image: string
  startCommand: string
  healthcheck: { path: string; timeoutSeconds: number }
  limits: { cpu?: number; memoryBytes?: number } | null
  region: string | null
  mountPath: string
  env: Record<string, string>
}

/** The provider's own ids of what an instance consists of; kept in the ledger as they are. */
export type Place = Readonly<Record<string, string>>

export interface PlaceStep {
  /** Names its entry in the log. */
  name: string
  /** The ids that the ledger has once it is done. */
  yields: readonly string[]
  /** `same`: a repeated `create` gives the same thing. `look`: `find` must have looked first, once lists have caught up. */
  repeat: 'same' | 'look'
  /** Over all replicas, and until so long after the last one, only one at a time. */
  oneAtATime: { slot: string; everyMs: number; callMs: number } | null
  create(p: PlaceRequest): Promise<Place>
  /** Looks without changing anything. */
  find(p: PlaceRequest): Promise<Place | null>
}

export interface PlaceRequest {
  instanceId: string
  /** For people; not unique. */
  name: string
  marker: string
  since: Date
  /** Where it will listen, and where its volume is to be. */
  port: number
  mountPath: string
  /** The ids so far. */
  place: Place
}

export interface PlaceOf {
  instanceId: string
  place: Place
}

export interface ListedPlace {
  place: Place
  marker: string
  name: string
  createdAt: Date
}

export interface Inspected {
  /** The host name under which it can be reached; null when it has none. */
  domain: string | null
  image: string | null
  deploymentId: string | null
  variables: Record<string, string>
}

export interface PlaceStatus {
  /** The provider says that the place was deleted. */
  deleted: boolean
  deployment: { id: string; verdict: DeploymentVerdict; /** Null when the provider does not tell. */ image: string | null } | null
}

/** `rising`: on its way; `failed`: will not come up by itself; `asleep`: not dead, a request wakes it. */
export type DeploymentVerdict = 'rising' | 'up' | 'down' | 'asleep' | 'failed' | 'removed'

export interface LogLine {
  at: string
  severity: string | null
  message: string
}
