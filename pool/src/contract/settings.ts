import { z } from 'zod'

const HOUR_MS = 3_600_000

/** What an operator may set while the pool runs; the environment's values hold until then. */
export const SettingsValues = z.object({
  /** Nothing new is created. */
  paused: z.boolean(),
  /** Ready instances that the pool keeps. */
  minIdle: z.number().int().min(0).max(10_000),
  /** Instances that may exist at all; null: no limit. */
  maxTotal: z.number().int().min(1).max(100_000).nullable(),
  /** Older ready instances are replaced; null: never. */
  maxAgeHours: z.number().int().min(1).max(8_760).nullable(),
  /** How long a deployment may take to become ready, ms. */
  stuckTimeoutMs: z
    .number()
    .int()
    .min(60_000)
    .max(24 * HOUR_MS),
  /** How long an agent waits to be let into the conversation of an invite, ms. */
  pendingTimeoutMs: z
    .number()
    .int()
    .min(1_000)
    .max(30 * 24 * HOUR_MS),
})
export type SettingsValues = z.infer<typeof SettingsValues>

export const SettingsSource = z.enum(['environment', 'operator'])

/** `GET /api/pool/settings`; `source` says of each whether it still is what the environment said at the first start. */
export const Settings = SettingsValues.extend({ source: z.record(SettingsValues.keyof(), SettingsSource) })
export type Settings = z.infer<typeof Settings>

/** Body of `PATCH /api/pool/settings`: at least one of them. */
export const SettingsPatch = z
  .strictObject(SettingsValues.partial().shape)
  .refine((change) => Object.values(change).some((value) => value !== undefined), 'give at least one setting')
export type SettingsPatch = z.infer<typeof SettingsPatch>
