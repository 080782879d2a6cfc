import { Suspense } from 'react'
import type { Claim } from '@convos/pool/contract'
import { Link } from '@tanstack/react-router'
import { useSession } from '../session/session.ts'
import { Button } from '../ui/Button.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { focusOnArrival } from '../ui/focus.ts'
import { formatDuration, webUrl } from '../ui/format.ts'
import { Addresses } from './Addresses.tsx'
import { GatewayDetails } from './GatewayDetails.tsx'
import { GiveUp } from './GiveUp.tsx'
import { QrCode } from './qr.ts'

/** The agent, ready to talk to. */
export function ClaimResult({ claim, onAnother }: { claim: Claim; onAnother: () => void }) {
  const invite = webUrl(claim.inviteUrl) && claim.inviteUrl
  return (
    <section className="column stack" aria-labelledby="claimed">
      <h1 id="claimed" tabIndex={-1} ref={focusOnArrival}>
        <bdi>{claim.agentName}</bdi> is ready
      </h1>
      <div className="card result">
        {invite && (
          <Suspense fallback={<div className="qr qr-paper" />}>
            <QrCode text={invite} label={`QR code of the invite link of ${claim.agentName}`} />
          </Suspense>
        )}
        <div className="stack">
          <p>{outcome(claim, invite !== null)}</p>
          {invite && (
            <div className="act">
              <a className="button primary" href={invite} target="_blank" rel="noreferrer">
                Open in Convos
              </a>
              <CopyButton label="Copy link" text={invite} />
            </div>
          )}
          {invite && <p className="link-text">{invite}</p>}
          <p className="hint">
            <Took claim={claim} />
          </p>
        </div>
      </div>
      <Addresses tools={claim.tools} />
      {claim.gatewayUrl !== null && <GatewayDetails url={claim.gatewayUrl} token={claim.gatewayToken} />}
      <div className="act">
        <Button onClick={onAnother}>Claim another</Button>
        <GiveUp claim={claim} onOver={onAnother} />
      </div>
    </section>
  )
}

function outcome({ joined }: Claim, invited: boolean): string {
  if (joined) return 'It has joined the conversation.'
  return invited ? 'Open the link, or scan the code with a phone, and talk to it.' : 'It is running, but gave no invite link.'
}

/** How long it took, and which instance it is: operators can look at that one. */
function Took({ claim: { createdAt, finishedAt, instanceId } }: { claim: Claim }) {
  const isOperator = useSession().role === 'operator'
  const id = instanceId !== null && <code>{instanceId}</code>
  return (
    <>
      {finishedAt !== null && `Claimed in ${formatDuration(Math.max(0, Date.parse(finishedAt) - Date.parse(createdAt)))}`}
      {finishedAt !== null && id && ' · '}
      {id && (
        <>
          instance{' '}
          {isOperator ? (
            <Link to="/instances" search={{ open: instanceId }}>
              {id}
            </Link>
          ) : (
            id
          )}
        </>
      )}
    </>
  )
}
