import { randomUUID } from 'node:crypto'
import { type Deadline, HttpError, requestJson } from '@convos/kit'
import {
  ANY_RESOURCE,
  CancelReply,
  ChangesReply,
  type ConfigureRequest,
  ConfigureReply,
  CreateInstanceReply,
  DestroyReply,
  DetailStatusReply,
  GatewayReply,
  ImageReply,
  ProvidersReply,
  type ProviderState,
  ProvisionToolReply,
  RegistryReply,
  type StatusDetail,
} from '@convos/services/contract'
import { z } from 'zod'
import { mapAtMost } from './concurrency.ts'
import type { OfferedTool } from './contract/template.ts'
import type { Limits } from './limits.ts'
import { recent } from './recent.ts'

/** Deadlines around tools; services itself waits 9 s for a tool, and 15 s for a provider that validates. */
const TOOL_CALL_MS = 10_000
const VALIDATE_CALL_MS = 20_000
/** The registry changes when services is deployed, or configured anew. */
const REGISTRY_KEPT_MS = 30_000

/** Whose doing a failure is: it decides what becomes of the claim and of the box. */
export type Fault = 'claim' | 'instance' | 'provider'

/** A call to services that did not succeed. Branch on `fault` and `code`, never on the text. */
export class ServicesError extends Error {
  override name = 'ServicesError'
  readonly fault: Fault
  /** The `code` services answered, or what kept it from answering: NETWORK, TIMEOUT, BODY. */
  readonly code: string
  readonly status: number | null
  /** What services says about it, fit for the caller of a claim. */
  readonly detail: string | null
  /** Which fields it is about, where services says so. */
  readonly errors: readonly FieldError[]

  constructor(
    message: string,
    p: {
      fault: Fault
      code: string
      status: number | null
      detail: string | null
      errors: readonly FieldError[]
      cause: unknown
    },
  ) {
    super(message, { cause: p.cause })
    this.fault = p.fault
    this.code = p.code
    this.status = p.status
    this.detail = p.detail
    this.errors = p.errors
  }
}

const FieldError = z.object({ path: z.string(), message: z.string() })
type FieldError = z.infer<typeof FieldError>

const Refusal = z.object({
  code: z.string().optional(),
  detail: z.string().nullish(),
  fault: z.string().optional(),
  errors: z.array(FieldError).optional(),
})
const isFault = (value: string | undefined): value is Fault => value === 'claim' || value === 'instance' || value === 'provider'

function toServicesError(err: unknown): ServicesError {
  if (!(err instanceof HttpError)) throw err
  const refusal = Refusal.safeParse(err.body).data ?? {}
  return new ServicesError(err.message, {
    fault: isFault(refusal.fault) ? refusal.fault : faultOf(err.status, refusal.code),
    code: refusal.code ?? (err.status === null ? err.kind.toUpperCase() : `HTTP_${err.status}`),
    status: err.status,
    detail: refusal.detail ?? null,
    errors: refusal.errors ?? [],
    cause: err,
  })
}

/** Where services does not say whose doing it is. No answer is the instance's: the call may have reached it. */
function faultOf(status: number | null, code: string | undefined): Fault {
  if (code === 'ENVIRONMENT_MISMATCH' || status === 401 || status === 403 || status === 429 || status === 503) return 'provider'
  return status === 400 || status === 413 || status === 422 ? 'claim' : 'instance'
}

export type Services = ReturnType<typeof createServices>

/** The client of services: one method per call, one attempt each, every reply parsed. */
export function createServices(p: { url: string; apiKey: string; environment: string; limits: Limits }) {
  const { limits } = p
  let answeredAt = -Infinity
  let checking: Promise<void> | null = null

  async function call<S extends z.ZodType>(
    path: string,
    reply: S,
    o: { method?: 'POST' | 'DELETE'; json?: unknown; timeoutMs: number; signal?: AbortSignal; requestId?: string | undefined },
  ) {
    const { requestId = randomUUID(), ...rest } = o
    try {
      const answer = await requestJson(`${p.url}${path}`, {
        ...rest,
        reply,
        headers: { authorization: `Bearer ${p.apiKey}`, 'x-environment': p.environment, 'x-request-id': requestId },
      })
      answeredAt = performance.now()
      return answer
    } catch (err) {
      throw toServicesError(err)
    }
  }

  /** Reaches services as a caller of its environment; throws what is wrong. */
  const check = async () => {
    await call('/status/batch', DetailStatusReply, {
      method: 'POST',
      json: { instanceIds: [], detail: true },
      timeoutMs: limits.reachableCallMs,
    })
  }

  const registry = kept(REGISTRY_KEPT_MS, async (): Promise<readonly OfferedTool[]> => {
    const { data } = await call('/registry', RegistryReply, { timeoutMs: limits.reachableCallMs })
    return data
  })

  const providers = recent(limits.providersKeptMs, async (): Promise<ProviderState[]> => {
    const { data } = await call('/providers', ProvidersReply, { timeoutMs: limits.reachableCallMs })
    return data
  })

  return {
    check,

    /** How the external providers are, as of the last seconds; no provider is asked. */
    providers,

    /** Since services last answered this process; Infinity before it ever did. */
    get answeredAgoMs(): number {
      return performance.now() - answeredAt
    },

    /** The tools there are, as of the last half minute; longer where services cannot be asked. */
    tools: registry,

    /**
     * Asks a tool's provider whether a claimer's credentials work; nothing is stored.
     * @throws ServicesError 422 with the fields that are wrong
     */
    async validate(toolId: string, userConfig: unknown, requestId: string): Promise<void> {
      const json = { userConfig }
      await call(`/validate/${toolId}`, DestroyReply, { method: 'POST', json, timeoutMs: VALIDATE_CALL_MS, requestId })
    },

    /** Gives a box a tool, ours or with the claimer's credentials; after a while it goes on being made by itself. */
    async provision(
      instanceId: string,
      toolId: string,
      how: { userConfig: unknown; withinMs: number; requestId: string },
    ): Promise<ProvisionToolReply> {
      const { data } = await call(`/provision/${instanceId}/${toolId}`, ProvisionToolReply, {
        method: 'POST',
        json: how.userConfig === undefined ? {} : { userConfig: how.userConfig },
        timeoutMs: Math.min(TOOL_CALL_MS, how.withinMs),
        requestId: how.requestId,
      })
      return data
    },

    /** Takes a tool from a box, whatever there is of it; whether it is gone is for its status to say. */
    async takeTool(instanceId: string, toolId: string, withinMs: number): Promise<void> {
      const path = `/destroy/${instanceId}/${toolId}/${ANY_RESOURCE}`
      await call(path, DestroyReply, { method: 'DELETE', timeoutMs: Math.min(TOOL_CALL_MS, withinMs) })
    },

    /** Like `check`, but an answer just had is good enough; many at once make one call. */
    async reachable(): Promise<void> {
      if (performance.now() - answeredAt < limits.reachableForMs) return
      checking ??= check().finally(() => (checking = null))
      await checking
    },

    /** On this image; null: on the one that services resolves by itself. */
    async create(instanceId: string, image: string | null): Promise<{ url: string | null }> {
      const { data } = await call('/create-instance', CreateInstanceReply, {
        method: 'POST',
        json: image === null ? { instanceId } : { instanceId, image },
        timeoutMs: limits.createCallMs,
      })
      return { url: data.url }
    },

    /** What the configured tag means now, `name@sha256:…`; null while it cannot be resolved. */
    async wantedImage(): Promise<string | null> {
      const { data } = await call('/image', ImageReply, { timeoutMs: limits.imageCallMs })
      return data.image
    },

    /** Sets the wish that nothing of it be left. */
    async destroy(instanceId: string, requestId?: string): Promise<void> {
      await call(`/destroy/${instanceId}`, DestroyReply, { method: 'DELETE', timeoutMs: limits.destroyCallMs, requestId })
    },

    /**
     * Where the given instances stand; ids that services left out, or that could not be asked for in time, are missing.
     * @throws ServicesError when not one could be asked for
     */
    async statuses(ids: readonly string[], deadline: Deadline): Promise<Map<string, StatusDetail>> {
      const batches = Array.from({ length: Math.ceil(ids.length / limits.statusBatch) }, (_, n) =>
        ids.slice(n * limits.statusBatch, (n + 1) * limits.statusBatch),
      )
      const failures: unknown[] = []
      const replies = await mapAtMost(limits.statusParallel, batches, async (instanceIds) => {
        try {
          const { data } = await call('/status/batch', DetailStatusReply, {
            method: 'POST',
            json: { instanceIds, detail: true },
            timeoutMs: Math.min(limits.statusCallMs, deadline.leftMs),
            signal: deadline.signal,
          })
          return Object.entries(data)
        } catch (err) {
          failures.push(err)
          return []
        }
      })
      if (failures.length > 0 && failures.length === batches.length) throw failures[0]
      return new Map(replies.flat())
    },

    async changes(after: string | null, waitMs: number, signal: AbortSignal): Promise<ChangesReply> {
      const query = after === null ? '' : `?${new URLSearchParams({ after, waitMs: String(waitMs) }).toString()}`
      const { data } = await call(`/changes${query}`, ChangesReply, { timeoutMs: waitMs + limits.changesExtraMs, signal })
      return data
    },

    async configure(instanceId: string, json: ConfigureRequest, timeoutMs: number, requestId: string): Promise<ConfigureReply> {
      const { data } = await call(`/configure/${instanceId}`, ConfigureReply, { method: 'POST', json, timeoutMs, requestId })
      return data
    },

    /** Withdraws the claim from its box; `joined`: it is in the invited conversation in spite of that. */
    async cancel(instanceId: string, claimId: string, timeoutMs: number): Promise<{ joined: boolean }> {
      const { data } = await call(`/cancel/${instanceId}`, CancelReply, { method: 'POST', json: { claimId }, timeoutMs })
      return data
    },

    /** Only ever for the claim's own principal. */
    async gateway(instanceId: string, requestId: string): Promise<GatewayReply> {
      const { data } = await call(`/instances/${instanceId}/gateway`, GatewayReply, {
        timeoutMs: limits.gatewayCallMs,
        requestId,
      })
      return data
    },
  }
}

/** Reads again what is older than `forMs`, many at once with one call; a failure leaves what was known. */
function kept<T>(forMs: number, read: () => Promise<T>): () => Promise<T> {
  let known: { is: T } | null = null
  let askedAt = -Infinity
  let asked: Promise<T> | null = null

  async function refresh(): Promise<T> {
    try {
      known = { is: await read() }
      return known.is
    } catch (err) {
      if (known) return known.is
      throw err
    } finally {
      askedAt = performance.now()
      asked = null
    }
  }

  return () => {
    if (known && performance.now() - askedAt < forMs) return Promise.resolve(known.is)
    asked ??= refresh()
    return asked
  }
}
