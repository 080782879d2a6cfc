import type { Instance } from '@convos/pool/contract'
import type { ReactNode } from 'react'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { formatMoment, webUrl } from '../../ui/format.ts'
import { TemplateName } from '../TemplateName.tsx'
import type { FleetView } from '../view.ts'

/** Where it can be reached, and what it belongs to. */
export function Links({ instance, show }: { instance: Instance; show: (change: Partial<FleetView>) => void }) {
  const { inviteUrl, url, conversationId, templateId, templateVersion, image, model, principal, parentInstance, expiresAt } =
    instance
  const owner = instance.ownerId ?? instance.ownerAddress
  return (
    <dl className="facts links">
      <Fact name="Invite">{inviteUrl && <Address url={inviteUrl} label="Open in Convos" />}</Fact>
      <Fact name="Gateway">{url && <Address url={url} />}</Fact>
      <Fact name="Conversation">{conversationId && <Copied text={conversationId} />}</Fact>
      <Fact name="Template">
        {templateId && (
          <>
            <span>
              <TemplateName id={templateId} />
              {templateVersion !== null && `, version ${templateVersion}`}
            </span>
            <Others label="All of this template" onPress={() => show({ template: templateId })} />
          </>
        )}
      </Fact>
      <Fact name="Owner">
        {owner && (
          <>
            <bdi>{owner}</bdi>
            {instance.ownerAddress !== null && instance.ownerAddress !== owner && <code>{instance.ownerAddress}</code>}
            <Others label="All of this owner" onPress={() => show({ owner })} />
          </>
        )}
      </Fact>
      <Fact name="Claimed with">{principal && <code>{principal}</code>}</Fact>
      <Fact name="Image">
        {image && (
          <>
            <Copied text={image} />
            <Others label="All on this image" onPress={() => show({ image })} />
          </>
        )}
      </Fact>
      <Fact name="Model">{model}</Fact>
      <Fact name="Cloned from">
        {parentInstance && <Others label={parentInstance} onPress={() => show({ open: parentInstance })} />}
      </Fact>
      <Fact name="Ends">{expiresAt === null ? 'never by itself' : formatMoment(Date.parse(expiresAt))}</Fact>
    </dl>
  )
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className="contents">
    <dt>{name}</dt>
    <dd>{children || <span className="none">–</span>}</dd>
  </div>
)

const Others = ({ label, onPress }: { label: string; onPress: () => void }) => (
  <button type="button" className="link-button" onClick={onPress}>
    {label}
  </button>
)

const Copied = ({ text }: { text: string }) => (
  <>
    <code>{text}</code>
    <CopyButton className="compact" label="Copy" text={text} />
  </>
)

/** A link where a browser may be sent there; the text in any case. */
function Address({ url, label }: { url: string; label?: string }) {
  const address = webUrl(url)
  return (
    <>
      {address ? (
        <a href={address.href} target="_blank" rel="noreferrer">
          {label ?? address.host}
        </a>
      ) : (
        <code>{url}</code>
      )}
      <CopyButton className="compact" label="Copy" text={url} />
    </>
  )
}
