import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

/** `.data/sandbox.json`: what scripts need to use a running sandbox. */
export const Descriptor = z.object({
  pid: z.number(),
  poolUrl: z.string(),
  poolApiKey: z.string(),
  metricsToken: z.string(),
  servicesUrl: z.string(),
  servicesApiKey: z.string(),
  /** The base to which `/_control/…` is appended. */
  controlUrl: z.string(),
  loginUrl: z.string(),
  databases: z.object({ pool: z.string(), services: z.string() }),
  /** Base URLs; null for what is not simulated. */
  providers: z.record(z.string(), z.string().nullable()),
  /** Of the services, as they run now. */
  processes: z.object({ pool: z.number(), services: z.number() }),
})
export type Descriptor = z.infer<typeof Descriptor>

export function writeDescriptor(file: string, descriptor: Descriptor): void {
  writeFileSync(`${file}.new`, JSON.stringify(descriptor, null, 2), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** The sandbox that runs on this data now; null when none does (a file left by a kill -9 counts as none). */
export function runningSandbox(file: string): Descriptor | null {
  if (!existsSync(file)) return null
  const { data } = Descriptor.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  return data && isAlive(data.pid) ? data : null
}

export const removeDescriptor = (file: string) => rmSync(file, { force: true })

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
