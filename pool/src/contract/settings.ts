import { z } from 'zod'

/** `GET /api/pool/settings` */
export const Settings = z.object({ paused: z.boolean(), minIdle: z.number().int(), maxTotal: z.number().int().nullable() })
export type Settings = z.infer<typeof Settings>

/** Body of `PATCH /api/pool/settings`. */
export const SettingsPatch = z.strictObject({ paused: z.boolean() })
