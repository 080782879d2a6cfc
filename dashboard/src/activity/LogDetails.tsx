import type { InstanceEvent } from '@convos/pool/contract'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { CopyButton } from '../ui/CopyButton.tsx'
import { Button } from '../ui/Button.tsx'
import { formatMoment, sentence } from '../ui/format.ts'
import type { LogView } from './view.ts'
import { typeName } from './types.ts'

interface LogDetailsProps {
  event: InstanceEvent
  /** How its agent is called now. */
  name: string | undefined
  by: string
  show: (change: Partial<LogView>) => void
}

/** All that is known of an event, and the way to its like. */
export function LogDetails({ event, name, by, show }: LogDetailsProps) {
  const { at, type, from, to, reason, actor, instanceId, claimId, requestId, detail } = event
  return (
    <dl className="log-details">
      <Fact label="When">{formatMoment(Date.parse(at))}</Fact>
      <Fact label="Type">
        {typeName(type)} <Only what="type" onOnly={() => show({ types: [type] })} />
      </Fact>
      {from !== to && (
        <Fact label="Status">
          {from ?? 'none'} → {to ?? 'none'}
        </Fact>
      )}
      {reason !== null && <Fact label="Why">{sentence(reason)}</Fact>}
      <Fact label="Who">
        <bdi>{by}</bdi> <Only what="actor" onOnly={() => show({ actor })} />
      </Fact>
      {instanceId !== null && (
        <Fact label="Instance">
          <Link to="/instances" search={{ open: instanceId }}>
            {name !== undefined && <bdi>{name} · </bdi>}
            <code>{instanceId}</code>
          </Link>{' '}
          <Only what="instance" onOnly={() => show({ instance: instanceId })} />
        </Fact>
      )}
      {claimId !== null && (
        <Fact label="Claim">
          <code>{claimId}</code> <CopyButton className="compact" label="Copy claim id" text={claimId} />
          <Only what="claim" onOnly={() => show({ claim: claimId })} />
        </Fact>
      )}
      {requestId !== null && (
        <Fact label="Request">
          <code>{requestId}</code> <CopyButton className="compact" label="Copy request id" text={requestId} />
          <Only what="request" onOnly={() => show({ request: requestId })} />
        </Fact>
      )}
      {detail !== null && (
        <Fact label="Detail">
          <pre tabIndex={0} role="group" aria-label="Detail">
            {JSON.stringify(detail, null, 2)}
          </pre>
        </Fact>
      )}
    </dl>
  )
}

const Fact = ({ label, children }: { label: string; children: ReactNode }) => (
  <>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </>
)

const Only = ({ what, onOnly }: { what: string; onOnly: () => void }) => (
  <Button className="compact" aria-label={`Only this ${what}`} onClick={onOnly}>
    Only this
  </Button>
)
