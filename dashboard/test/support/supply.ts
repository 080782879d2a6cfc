import type { Image, Settings, Stats, TickState } from '@convos/pool/contract'

export const settings = (parts: Partial<Settings> = {}): Settings => {
  const values = {
    paused: false,
    minIdle: 3,
    maxTotal: null,
    maxAgeHours: null,
    stuckTimeoutMs: 900_000,
    pendingTimeoutMs: 60_000,
  }
  const source = Object.fromEntries(Object.keys(values).map((name) => [name, 'environment'])) as Settings['source']
  return { ...values, source, ...parts }
}

/** An hour of which nothing was noted. */
export const aQuietHour = (): Stats => ({
  window: '1h',
  stepSeconds: 60,
  points: Array.from({ length: 60 }, (_, minute) => ({
    at: new Date(Date.UTC(2030, 0, 1, 0, minute)).toISOString(),
    target: null,
    instances: null,
    queue: null,
    claims: null,
    creations: null,
  })),
})

const DIGEST = (first: string) => `sha256:${first.padEnd(64, '0')}`

/** An image whose digest begins so. */
export const anImage = (first: string, parts: Partial<Image> = {}): Image => ({
  image: `registry.example.com/runtime@${DIGEST(first)}`,
  digest: DIGEST(first),
  wanted: false,
  state: 'trusted',
  breaker: 'closed',
  failures: 0,
  retryAt: null,
  trustedAt: '2030-01-01T00:00:00.000Z',
  firstSeenAt: '2030-01-01T00:00:00.000Z',
  instances: 1,
  ready: 1,
  ...parts,
})

/** The fleet was looked at three seconds ago. */
export const aTick = (parts: Partial<TickState> = {}): TickState => ({
  holder: 'a1b2c3d4e5f6',
  isThis: true,
  until: '2030-01-01T00:00:30.000Z',
  tickedAt: new Date(Date.now() - 3_000).toISOString(),
  ageMs: 3_000,
  everyMs: 30_000,
  ...parts,
})
