import { type Database, HttpError } from '@convos/kit'
import { ask, fault, inWords, ok, type Seen, unverified, warning } from '@convos/kit/doctor'
import { z } from 'zod'
import { openGate } from '../budget/gate.ts'
import { policies } from '../budget/policies.ts'
import type { Config } from '../config.ts'
import { createVault } from '../crypto.ts'
import { readBudgets } from '../db/budgets.ts'
import { readImage } from '../db/images.ts'
import { ProviderError } from '../infra/errors.ts'
import { createImageRegistry } from '../infra/ghcr.ts'
import { countUnpinned, readSealed, type SealedWith } from './database.ts'
import { whyNot } from './refusal.ts'

/** What is seen in our database; where it cannot be read, its own check says why. */
export async function inDatabase(look: () => Promise<Seen[]>): Promise<Seen[]> {
  try {
    return await look()
  } catch (err) {
    if (err instanceof ProviderError || err instanceof HttpError) throw err
    return [unverified('DATABASE', 'the database cannot be read', 'see what is said of it')]
  }
}

/** Whether the keys open what was sealed. */
export async function lookAtVault(db: Database, keys: Config['encryptionKeys']): Promise<Seen[]> {
  const sealed = await readSealed(db)
  const vault = createVault(keys)
  const opens = ({ sample, place }: SealedWith) => {
    try {
      vault.open(sample, place)
      return true
    } catch {
      return false
    }
  }
  return judgeVault(
    sealed.map((each) => ({ ...each, opens: opens(each) })),
    keys.map(({ id }) => id),
  )
}

/** @param ids of the keys that we have, newest first */
export function judgeVault(sealed: readonly (SealedWith & { opens: boolean })[], ids: readonly string[]): Seen[] {
  const found = sealed.flatMap(({ keyId, values, opens, place }) => {
    if (opens) return []
    if (keyId === null) return [fault('ENCRYPTION_VALUE', `${place} holds no sealed value`, 'restore it from a backup')]
    const todo = `put the key that was called "${keyId}" back into SERVICES_ENCRYPTION_KEYS: without it these agents cannot be reached`
    return ids.includes(keyId)
      ? [fault('ENCRYPTION_KEY', `${values} values were sealed with another key "${keyId}" than the one that is set`, todo)]
      : [fault('ENCRYPTION_KEY', `${values} values were sealed with key "${keyId}", which is not set`, todo)]
  })
  if (found.length > 0) return found
  const older = sealed.filter(({ keyId }) => keyId !== ids[0])
  if (older.length > 0) {
    const rows = older.reduce((sum, { values }) => sum + values, 0)
    return [warning('ENCRYPTION_OLDER', `${rows} values are still sealed with an older key`, 'run "pnpm services:reencrypt"')]
  }
  if (ids.length > 1)
    return [
      warning(
        'ENCRYPTION_SPARE',
        `nothing is sealed with ${ids.slice(1).join(', ')} any more`,
        'take it out of SERVICES_ENCRYPTION_KEYS; keep it for backups from before',
      ),
    ]
  const all = sealed.reduce((sum, { values }) => sum + values, 0)
  return [ok('ENCRYPTION', all === 0 ? 'nothing is sealed yet' : `the key opens what is sealed: ${all} values`)]
}

/** Whether the tag leads to a digest now, and what services makes of it. */
export async function lookAtImage(db: Database, config: Config): Promise<Seen[]> {
  const { imageRef: ref } = config.instance
  let digest: string
  try {
    digest = await createImageRegistry({ ...config.ghcr, gate: openGate }).resolve(ref)
  } catch (err) {
    if (!(err instanceof ProviderError)) throw err
    if (err.kind === 'not_found')
      return [
        fault('IMAGE_NOT_FOUND', `the registry has no ${ref}`, 'push it, or set RAILWAY_RUNTIME_IMAGE to one that is there'),
      ]
    if (err.kind === 'auth')
      return [
        fault(
          'IMAGE_REFUSED',
          `the registry does not show ${ref} to us`,
          'make the package public, or set GHCR_USERNAME and GHCR_TOKEN (read:packages)',
        ),
      ]
    return [whyNot('the registry', err)]
  }
  return inDatabase(async () => {
    const [known, unpinned] = [await readImage(db, ref), await countUnpinned(db)]
    const seen = `${ref} is ${digest.slice(0, 19)}…`
    return [
      known.digest === null || known.digest === digest
        ? ok('IMAGE', seen)
        : warning(
            'IMAGE_MOVED',
            `${seen}; services still takes ${known.digest.slice(0, 19)}…`,
            'services looks every minute while it runs: see whether it does',
          ),
      ...(unpinned === 0
        ? []
        : [
            fault(
              'IMAGE_NOT_PINNED',
              `${unpinned} instances run on an image without a digest`,
              'redeploy them: nobody knows what they run',
            ),
          ]),
    ]
  })
}

/** What is left of the budgets that we hold ourselves to. */
export async function lookAtBudgets(db: Database, config: Config): Promise<Seen[]> {
  const known = policies({ railwayPerHour: config.railway.hourlyBudget })
  const budgets = await readBudgets(db)
  const found = budgets.flatMap(({ provider, requests, windowLeftMs, blockedUntil }): Seen[] => {
    if (blockedUntil)
      return [
        fault(
          'PROVIDER_BLOCKED',
          `${provider} told us to wait until ${blockedUntil.toISOString()}`,
          'wait: everything goes on by itself then',
        ),
      ]
    const { perHour } = known[provider]
    if (perHour === null || requests < perHour * 0.8) return []
    const seen = `${requests} of ${perHour} requests of this hour went to ${provider}; it begins anew in ${Math.ceil(windowLeftMs / 60_000)} min`
    const todo = 'see "Provider budget" in docs/operations.md; raise RAILWAY_HOURLY_BUDGET where the plan allows more'
    return [requests >= perHour ? fault('BUDGET_USED_UP', seen, todo) : warning('BUDGET_LOW', seen, todo)]
  })
  return found.length > 0 ? found : [ok('BUDGET', 'no provider is near its limit')]
}

const PublicHealth = z.object({ ok: z.literal(true), deployment: z.string() })

/** Whether the address that we give to agents and providers leads to this deployment, from here. */
export async function lookAtPublicUrl(url: string, fingerprint: () => Promise<string>, timeoutMs: number): Promise<Seen[]> {
  const todo = 'set SERVICES_PUBLIC_URL to the domain that leads to PUBLIC_PORT of services'
  let answer
  try {
    answer = await ask(`${url}/healthz`, timeoutMs)
  } catch (err) {
    return [fault('PUBLIC_URL_SILENT', inWords(err), `start services; if it runs, ${todo}`)]
  }
  const health = PublicHealth.safeParse(answer.body)
  if (answer.status !== 200 || !health.success)
    return [
      fault('PUBLIC_URL_ELSEWHERE', `${url} is answered with ${answer.status}, and not by the public listener of services`, todo),
    ]
  return inDatabase(async () =>
    health.data.deployment === (await fingerprint())
      ? [ok('PUBLIC_URL', `${url} is ours`)]
      : [fault('PUBLIC_URL_ELSEWHERE', `${url} is the public listener of another deployment`, todo)],
  )
}
