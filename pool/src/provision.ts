import { randomUUID } from 'node:crypto'
import { type Deadline, HttpError, requestJson } from '@convos/kit'
import {
  CancelReply,
  ChangesReply,
  type ConfigureRequest,
  ConfigureReply,
  CreateInstanceReply,
  DestroyReply,
  DetailStatusReply,
  GatewayReply,
  type StatusDetail,
} from '@convos/services/contract'
import { z } from 'zod'
import { mapAtMost } from './concurrency.ts'
import type { Limits } from './limits.ts'

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

  constructor(message: string, p: { fault: Fault; code: string; status: number | null; detail: string | null; cause: unknown }) {
    super(message, { cause: p.cause })
    this.fault = p.fault
    this.code = p.code
    this.status = p.status
    this.detail = p.detail
  }
}

const Refusal = z.object({ code: z.string().optional(), detail: z.string().nullish(), fault: z.string().optional() })
const isFault = (value: string | undefined): value is Fault => value === 'claim' || value === 'instance' || value === 'provider'

function toServicesError(err: unknown): ServicesError {
  if (!(err instanceof HttpError)) throw err
  const refusal = Refusal.safeParse(err.body).data ?? {}
  return new ServicesError(err.message, {
    fault: isFault(refusal.fault) ? refusal.fault : faultOf(err.status, refusal.code),
    code: refusal.code ?? (err.status === null ? err.kind.toUpperCase() : `HTTP_${err.status}`),
    status: err.status,
    detail: refusal.detail ?? null,
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

  return {
    check,

    /** Like `check`, but an answer just had is good enough; many at once make one call. */
    async reachable(): Promise<void> {
      if (performance.now() - answeredAt < limits.reachableForMs) return
      checking ??= check().finally(() => (checking = null))
      await checking
    },

    async create(instanceId: string): Promise<{ url: string | null }> {
      const { data } = await call('/create-instance', CreateInstanceReply, {
        method: 'POST',
        json: { instanceId },
        timeoutMs: limits.createCallMs,
      })
      return { url: data.url }
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
