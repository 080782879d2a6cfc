import type { Claim } from '@convos/pool/contract'
import { CopyButton } from '../ui/CopyButton.tsx'
import { toolName } from './templates.ts'

/** What the agent is reached at besides its conversation, as far as people can use it: its mail address, its wallet. */
export function addressesOf(tools: Claim['tools']): { name: string; address: string }[] {
  const addresses = tools.flatMap(({ toolId, resourceId }) =>
    resourceId !== null && /^(\S+@\S+|0x[0-9a-f]{40})$/i.test(resourceId)
      ? [{ name: toolId === 'wallet' ? 'Wallet' : toolName(toolId, undefined), address: resourceId }]
      : [],
  )
  return addresses.toSorted((a, b) => a.name.localeCompare(b.name))
}

/** Them, each to be copied. */
export function Addresses({ tools }: Pick<Claim, 'tools'>) {
  const addresses = addressesOf(tools)
  if (addresses.length === 0) return null
  return (
    <dl className="facts">
      {addresses.map(({ name, address }) => (
        <div key={name} className="contents">
          <dt>{name}</dt>
          <dd className="claim-address">
            <code>{address}</code>{' '}
            <CopyButton className="compact" label="Copy" of={`${name.toLowerCase()} address`} text={address} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
