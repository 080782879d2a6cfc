import type { Instance } from '@convos/pool/contract'
import { memo } from 'react'
import { Button } from '../ui/Button.tsx'
import { shortDigest, webUrl } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { Age } from '../ui/Age.tsx'

/** One instance; memoised, because a poll brings a thousand of which few have changed. */
export const InstanceRow = memo(function InstanceRow({ instance, onKill }: { instance: Instance; onKill: (id: string) => void }) {
  const { id, status, agentName, createdAt, image, actions } = instance
  return (
    <tr>
      <td>
        <span className={`status status-${status}`}>
          <StatusMark status={status} /> {status}
        </span>
      </td>
      <td title={agentName ?? undefined}>{agentName === null ? <None /> : <bdi>{agentName}</bdi>}</td>
      <td>
        <code>{id}</code>
      </td>
      <td className="number">
        <Age since={createdAt} />
      </td>
      <td title={image ?? undefined}>{image === null ? <None /> : <code>{shortDigest(image)}</code>}</td>
      <td title={instance.url ?? undefined}>
        <Address url={instance.url} />
      </td>
      <td title={instance.statusReason ?? undefined}>
        <Why instance={instance} />
      </td>
      <td>
        <Button
          look="danger"
          className="compact"
          aria-label={`Kill ${id}`}
          unable={reason(actions['kill'])}
          onClick={() => onKill(id)}
        >
          Kill
        </Button>
      </td>
    </tr>
  )
})

const None = () => <span className="none">–</span>

function Address({ url }: { url: string | null }) {
  const address = webUrl(url)
  if (!address) return url ?? <None />
  return (
    <a href={address.href} target="_blank" rel="noreferrer">
      {address.host}
    </a>
  )
}

function Why({ instance: { statusReason, phase, phaseSince } }: { instance: Instance }) {
  if (statusReason !== null) return statusReason
  if (phase === null) return <None />
  return (
    <>
      {phase} {phaseSince !== null && <Age since={phaseSince} />}
    </>
  )
}

/** Why an action is not possible; an action that pool does not list is one that it does not offer. */
function reason(action: true | string | undefined): string | undefined {
  if (action === true) return undefined
  return action ?? 'this pool does not offer it'
}
