import type { Vars } from '@convos/agent-commands/environment'
import { z } from 'zod'
import { Refusal } from './refusal.ts'

const url = z.url().transform((value) => value.replace(/\/+$/, ''))

const ServicesEnv = z.object({ SERVICES_URL: url, INSTANCE_SERVICES_TOKEN: z.string(), INSTANCE_ID: z.string() })
const TelnyxEnv = z.object({
  TELNYX_API_KEY: z.string(),
  TELNYX_PHONE_NUMBER: z.string(),
  TELNYX_API_URL: url.default('https://api.telnyx.com/v2'),
})
const FrontEnv = z.object({ AGENT_LINK_URL: url, OPENCLAW_GATEWAY_TOKEN: z.string() })
const LinkEnv = z.object({ RAILWAY_PUBLIC_DOMAIN: z.string() })

export type ServicesSettings = z.infer<typeof ServicesEnv>

/** @throws Refusal where this agent runs without services */
export function servicesSettings(vars: Vars): ServicesSettings {
  const settings = ServicesEnv.safeParse(vars).data
  if (!settings)
    throw new Refusal('This agent runs without services: it can get no tools, has no number of ours, and no credits are counted.')
  return settings
}

/** The claimer's own account at Telnyx; null where none was brought. */
export const ownTelnyx = (vars: Vars) => TelnyxEnv.safeParse(vars).data ?? null

/** The agent server in front of this gateway; null where there is none. */
export const frontSettings = (vars: Vars) => FrontEnv.safeParse(vars).data ?? null

/** Signs links; null without a gateway token, and then no link is good. */
export const gatewayToken = (vars: Vars) => vars['OPENCLAW_GATEWAY_TOKEN'] ?? null

/** Where people reach this machine. @throws Refusal where they cannot */
export function publicBase(vars: Vars): string {
  const domain = LinkEnv.safeParse(vars).data?.RAILWAY_PUBLIC_DOMAIN
  if (domain === undefined) throw new Refusal('This machine has no public address, so there are no pages to show.')
  // what is reached over loopback has no certificate, and needs none
  const scheme = /^(127\.\d+\.\d+\.\d+|localhost)(:|$)/.test(domain) ? 'http' : 'https'
  return `${scheme}://${domain}`
}
