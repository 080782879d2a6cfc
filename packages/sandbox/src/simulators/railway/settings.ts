import { z } from 'zod'

const Ms = z.int().min(0)

/** The requests that an instance answers. */
const Answers = z.strictObject({ health: Ms, provision: Ms, profile: Ms, env: Ms, cancel: Ms, reset: Ms })

/** Only virtual instances have these. */
const Latencies = z.strictObject({
  /** From the start of an instance to its first answer. */
  bootMs: Ms,
  /** How long each answer takes; for `provision`, how long the claim is `working`. */
  answerMs: Answers,
})
export type Latencies = z.infer<typeof Latencies>

const Limit = z.int().positive().nullable()

const Settings = Latencies.extend({
  /** A workspace may create one project in this time. */
  projectIntervalMs: Ms,
  /** … and one volume in this. */
  volumeIntervalMs: Ms,
  /** How many requests a token may make; null: as many as it likes. */
  requestsPerHour: Limit,
  requestsPerSecond: Limit,
})
export type Settings = z.infer<typeof Settings>

export const SettingsChange = Settings.extend({ answerMs: Answers.partial() }).partial()
export type SettingsChange = z.infer<typeof SettingsChange>

const QUIET: Settings = {
  bootMs: 0,
  answerMs: { health: 0, provision: 0, profile: 0, env: 0, cancel: 0, reset: 0 },
  projectIntervalMs: 30_000,
  volumeIntervalMs: 0,
  requestsPerHour: null,
  requestsPerSecond: null,
}

/** The settings after a change; what it leaves out stays. */
export const changed = (settings: Settings, { answerMs, ...change }: SettingsChange): Settings =>
  Settings.parse({ ...settings, ...change, answerMs: { ...settings.answerMs, ...answerMs } })

/** What holds until somebody changes it. */
export const initialSettings = (change: SettingsChange): Settings => changed(QUIET, change)
