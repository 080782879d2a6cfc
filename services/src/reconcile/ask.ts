import type { Health } from '@convos/agent-server/contract'
import { requestJson } from '@convos/kit'
import { ProbeAnswer } from '../instance/health.ts'
import { INSTANCE_MAX_BYTES, PROBE } from '../limits.ts'

/**
 * What an instance says of itself now, to whoever has its control token; nothing of it is recorded.
 * @throws HttpError
 */
export async function askInstance(p: { url: string; controlToken: string }): Promise<Health> {
  const { data } = await requestJson(`${p.url}/pool/health`, {
    headers: { authorization: `Bearer ${p.controlToken}` },
    timeoutMs: PROBE,
    maxBytes: INSTANCE_MAX_BYTES,
    alsoOk: [503],
    reply: ProbeAnswer,
  })
  return data
}
