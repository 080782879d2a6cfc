import { ApiKey, ApiKeys, type KeyRequest, NewApiKey, Versions } from '@convos/pool/contract'
import type { z } from 'zod'
import { call } from './client.ts'

export type NewKey = z.output<typeof KeyRequest>

export const readKeys = (signal: AbortSignal) => call('/api/keys', { answer: ApiKeys, signal })
/** The only answer that holds the key itself. */
export const createKey = (body: NewKey) => call('/api/keys', { answer: NewApiKey, method: 'POST', body })
export const revokeKey = (id: string) => call(`/api/keys/${encodeURIComponent(id)}`, { answer: ApiKey, method: 'DELETE' })

/** The builds that work together. */
export const readVersions = (signal: AbortSignal) => call('/api/pool/versions', { answer: Versions, signal })
