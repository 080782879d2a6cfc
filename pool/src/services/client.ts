import { randomUUID } from 'node:crypto'
import { type Deadline, inTrace, requestJson, traceHeaders } from '@convos/kit'
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
  VersionReply,
} from '@convos/services/contract'
import type { z } from 'zod'
import { mapAtMost } from '../concurrency.ts'
import type { OfferedTool } from '../contract/template.ts'
import type { Limits } from '../limits.ts'
import { recent } from '../recent.ts'
import { toServicesError } from './errors.ts'
import { kept } from './kept.ts'
import { type Call, operatorCalls } from './operate.ts'

/** Deadlines around tools; services itself waits 9 s for a tool, and 15 s for a provider that validates. */
const TOOL_CALL_MS = 10_000
const VALIDATE_CALL_MS = 20_000
/** The registry changes when services is deployed, or configured anew. */
const REGISTRY_KEPT_MS = 30_000

export type Services = ReturnType<typeof createServices>

/** The client of services: one method per call, one attempt each, every reply parsed. */
export function createServices(p: { url: string; apiKey: string; environment: string; limits: Limits }) {
  const { limits } = p
  let answeredAt = -Infinity
  let checking: Promise<void> | null = null

  const call: Call = async (path, reply, o) => {
    const { requestId = randomUUID(), ...rest } = o
    const ask = async () => {
      try {
        const answer = await requestJson(`${p.url}${path}`, {
          ...rest,
          reply,
          headers: {
            authorization: `Bearer ${p.apiKey}`,
            'x-environment': p.environment,
            'x-request-id': requestId,
            ...traceHeaders(),
          },
        })
        answeredAt = performance.now()
        return answer
      } catch (err) {
        throw toServicesError(err)
      }
    }
    const [, verb = ''] = /^\/([a-z-]+)/.exec(path) ?? []
    const attributes = { 'http.request.method': o.method ?? 'GET', 'convos.request_id': requestId }
    return inTrace(`services ${verb}`, { kind: 'client', attributes }, ask)
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
    ...operatorCalls(call, limits),
    check,

    /** How the external providers are, as of the last seconds; no provider is asked. */
    providers,

    /** Which build answers. */
    async version(): Promise<z.infer<typeof VersionReply>> {
      const { data } = await call('/version', VersionReply, { timeoutMs: limits.reachableCallMs })
      return data
    },

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
      how: { claimId: string; userConfig: unknown; withinMs: number; requestId: string },
    ): Promise<ProvisionToolReply> {
      const { data } = await call(`/provision/${instanceId}/${toolId}`, ProvisionToolReply, {
        method: 'POST',
        json: { claimId: how.claimId, ...(how.userConfig === undefined ? {} : { userConfig: how.userConfig }) },
        timeoutMs: Math.min(TOOL_CALL_MS, how.withinMs),
        requestId: how.requestId,
      })
      return data
    },

    /** Takes a tool from a box, whatever there is of it; whether it is gone is for its status to say. */
    async takeTool(instanceId: string, toolId: string, how: { claimId: string; withinMs: number }): Promise<void> {
      const path = `/destroy/${instanceId}/${toolId}/${ANY_RESOURCE}?${new URLSearchParams({ claimId: how.claimId }).toString()}`
      await call(path, DestroyReply, { method: 'DELETE', timeoutMs: Math.min(TOOL_CALL_MS, how.withinMs) })
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
