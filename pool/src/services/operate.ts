import {
  DebugReply,
  InstanceReply,
  InstancesReply,
  type KnownInstance,
  LogsReply,
  ProvisionToolReply,
  ReconcileReply,
  RedeployReply,
  ToolReply,
} from '@convos/services/contract'
import { z } from 'zod'
import type { Limits } from '../limits.ts'

export interface CallOptions {
  method?: 'POST' | 'PATCH' | 'DELETE'
  json?: unknown
  timeoutMs: number
  signal?: AbortSignal
  requestId?: string | undefined
}

/** One call, one attempt; throws ServicesError. */
export type Call = <S extends z.ZodType>(path: string, reply: S, o: CallOptions) => Promise<{ data: z.output<S> }>

const Ok = z.object({ ok: z.literal(true) })

/** What operators have services do with instances in use, and what they look at. */
export const operatorCalls = (call: Call, limits: Limits) => ({
  /** Every instance that services keeps, known here or not. */
  async everyInstance(): Promise<KnownInstance[]> {
    const all: KnownInstance[] = []
    for (let after: string | null = null; ;) {
      const path: string = after === null ? '/instances' : `/instances?${new URLSearchParams({ after }).toString()}`
      const { data } = await call(path, InstancesReply, { timeoutMs: limits.statusCallMs })
      all.push(...data.instances)
      if (data.next === null) return all
      after = data.next
    }
  },

  /** Where an instance stands, by services' own ledger: no provider is asked. */
  async instance(instanceId: string, requestId?: string): Promise<InstanceReply> {
    const { data } = await call(`/instances/${instanceId}`, InstanceReply, { timeoutMs: limits.gatewayCallMs, requestId })
    return data
  },

  /** Wishes it onto an image; absent: the one that services wants. `changed: false`: it is there already, and not forced. */
  async redeploy(
    instanceId: string,
    json: { image?: string | undefined; force: boolean },
    requestId?: string,
  ): Promise<{ changed: boolean }> {
    const how = { method: 'POST', json, timeoutMs: limits.redeployCallMs, requestId } as const
    const { data } = await call(`/redeploy/${instanceId}`, RedeployReply, how)
    return data
  },

  /** Changes what a running agent is told; its conversation stays. `model: null`: the one of its image. */
  async reconfigure(
    instanceId: string,
    json: { instructions?: string; model?: string | null },
    requestId?: string,
  ): Promise<void> {
    const how = { method: 'PATCH', json, timeoutMs: limits.reconfigureCallMs, requestId } as const
    await call(`/configure/${instanceId}`, Ok, how)
  },

  async logs(instanceId: string, limit: number, requestId: string): Promise<z.infer<typeof LogsReply>> {
    const how = { timeoutMs: limits.providerCallMs, requestId }
    const { data } = await call(`/instances/${instanceId}/logs?limit=${limit}`, LogsReply, how)
    return data
  },

  async debug(instanceId: string, requestId: string): Promise<z.infer<typeof DebugReply>> {
    const { data } = await call(`/instances/${instanceId}/debug`, DebugReply, { timeoutMs: limits.providerCallMs, requestId })
    return data
  },

  /** A tool, with the latest sample of what was used of it. */
  async tool(instanceId: string, toolId: string, requestId: string): Promise<ToolReply> {
    const how = { timeoutMs: limits.providerCallMs, requestId }
    const { data } = await call(`/provision/${instanceId}/${toolId}`, ToolReply, how)
    return data
  },

  /** @throws ServicesError 400 when the tool takes no such change, 404, 409 */
  async updateTool(instanceId: string, toolId: string, json: unknown, requestId: string): Promise<ProvisionToolReply> {
    const how = { method: 'PATCH', json, timeoutMs: limits.providerCallMs, requestId } as const
    const { data } = await call(`/provision/${instanceId}/${toolId}`, ProvisionToolReply, how)
    return data
  },

  /** The ledgers against the providers; with `dryRun` nothing is changed. Another pass under way is a 409. */
  async reconcile(json: { dryRun: boolean; adopt: readonly string[] }, requestId?: string): Promise<ReconcileReply> {
    const how = { method: 'POST', json, timeoutMs: limits.reconcileCallMs, requestId } as const
    const { data } = await call('/reconcile', ReconcileReply, how)
    return data
  },
})
