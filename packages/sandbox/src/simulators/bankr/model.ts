import { BlockList, isIP } from 'node:net'
import { z } from 'zod'

const Permissions = z.object({
  walletApiEnabled: z.boolean().default(true),
  agentApiEnabled: z.boolean().default(false),
  llmGatewayEnabled: z.boolean().default(false),
  tokenLaunchApiEnabled: z.boolean().default(true),
  readOnly: z.boolean().default(true),
})

const AllowedIp = z.string().refine((text) => {
  const { address, prefix } = ipRange(text)
  const version = isIP(address)
  if (prefix === undefined) return version !== 0
  return version === 4 ? prefix >= 8 && prefix <= 32 : version === 6 && prefix >= 16 && prefix <= 128
}, 'must be an IP address or a CIDR of at least /8 (IPv4) or /16 (IPv6)')

/** What a new key is to be allowed. */
export const KeyOptions = z.object({
  name: z.string().max(128).optional(),
  permissions: Permissions.prefault({}),
  allowedIps: z.array(AllowedIp).default([]),
  allowedRecipients: z
    .object({ evm: z.array(z.string().toLowerCase()).optional(), solana: z.array(z.string()).optional() })
    .default({}),
})
export type KeyOptions = z.infer<typeof KeyOptions>

const Key = KeyOptions.extend({ secretHash: z.string(), createdAt: z.string() })
export type Key = z.infer<typeof Key>

/** A wallet is for ever; only its key comes and goes. */
export const Wallet = z.object({
  id: z.string(),
  evmAddress: z.string(),
  solAddress: z.string().nullable(),
  createdAt: z.string(),
  idempotencyKey: z.string().nullable(),
  key: Key.nullable(),
})
export type Wallet = z.infer<typeof Wallet>

/** What tests may change about the partner's account. */
export const Settings = z.object({
  /** What a repeated creation is told: the wallet (without its key), or 409. */
  replay: z.enum(['wallet', 'conflict']),
  createsPerMinute: z.int().min(0),
  requestsPerMinute: z.int().min(0),
})
export type Settings = z.infer<typeof Settings>
export const SettingsChange = z.strictObject(Settings.partial().shape)

/** No list of addresses allows them all. */
export function isAllowedFrom({ allowedIps }: Key, address: string): boolean {
  const list = new BlockList()
  for (const allowed of allowedIps) {
    const range = ipRange(allowed)
    const family = isIP(range.address) === 6 ? 'ipv6' : 'ipv4'
    if (range.prefix === undefined) list.addAddress(range.address, family)
    else list.addSubnet(range.address, range.prefix, family)
  }
  return allowedIps.length === 0 || list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

function ipRange(text: string): { address: string; prefix: number | undefined } {
  const [address = '', prefix] = text.split('/')
  return { address, prefix: prefix === undefined ? undefined : Number(prefix) }
}

export function presentWallet({ id, evmAddress, solAddress, createdAt }: Wallet) {
  return { id, evmAddress, ...(solAddress !== null && { solAddress }), status: 'active', createdAt }
}
