import type { Instance, Template } from '@convos/pool/contract'
import type { RunningSandbox } from '@convos/sandbox/testing'

export type PoolClient = ReturnType<typeof poolClient>

/** The API as a client other than the page uses it. */
export function poolClient({ poolUrl, poolApiKey }: RunningSandbox) {
  async function ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(poolUrl + path, {
      method,
      headers: { authorization: `Bearer ${poolApiKey}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer: unknown = await response.json()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`)
    return answer
  }
  return {
    ask,
    claim: async (agentName: string) =>
      (await ask('POST', '/api/pool/claim', { agentName, waitMs: 60_000 })) as { instanceId: string; claimId: string },
    ready: async () => ((await ask('GET', '/api/pool/instances?status=ready')) as { instances: Instance[] }).instances,
    protect: (id: string, isProtected = true) => ask('PATCH', `/api/pool/instances/${id}`, { protected: isProtected }),
    settings: (change: object) => ask('PATCH', '/api/pool/settings', change),
    template: async (template: object) =>
      (await ask('POST', '/api/templates', { visibility: 'public', ...template })) as Template,
  }
}
