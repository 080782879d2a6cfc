import type { Instance } from '@convos/pool/contract'
import { useState } from 'react'
import { Age } from '../../ui/Age.tsx'
import { Button } from '../../ui/Button.tsx'
import { Menu, type MenuItem } from '../../ui/Menu.tsx'
import { StatusMark } from '../../ui/StatusMark.tsx'
import { type Act, ACT, planFor, unableTo, unableToChange, unableToExpire } from '../acts.ts'
import { ActDialog } from '../ActDialog.tsx'
import type { FleetView } from '../view.ts'
import type { Works } from '../works/useWorks.ts'
import { CloneDialog } from './CloneDialog.tsx'
import { ExpiryDialog } from './ExpiryDialog.tsx'
import { ProtectDialog } from './ProtectDialog.tsx'

type Asked = Act | 'clone' | 'protect' | 'expiry'

const BESIDE: readonly Act[] = ['redeploy', 'kill']
const IN_MENU: readonly Act[] = ['restart', 'recycle', 'drain', 'dismiss']

interface PanelHeadProps {
  instance: Instance
  works: Works
  show: (change: Partial<FleetView>) => void
}

/** Where it stands, and what can be done with it; what cannot says why. */
export function PanelHead({ instance, works, show }: PanelHeadProps) {
  const [asked, setAsked] = useState<Asked | null>(null)
  const close = () => setAsked(null)
  const { status, statusReason, id, phase, phaseSince } = instance
  const clone = instance.actions['clone']
  const items: MenuItem[] = [
    ...IN_MENU.map((act) => ({
      label: ACT[act].verb,
      danger: ACT[act].danger,
      unable: unableTo(act, instance),
      onSelect: () => setAsked(act),
    })),
    {
      label: instance.protected ? 'Stop protecting' : 'Protect',
      unable: unableToChange(instance),
      onSelect: () => setAsked('protect'),
    },
    { label: 'Set its end', unable: unableToExpire(instance), onSelect: () => setAsked('expiry') },
  ]
  return (
    <>
      <div className="panel-status">
        <span className={`status status-${status}`}>
          <StatusMark status={status} /> {status}
        </span>
        {instance.protected && <span className="row-flag">protected</span>}
        <code className="panel-id">{id}</code>
        {statusReason !== null && <span className="hint">{statusReason}</span>}
        {phase !== null && phaseSince !== null && (
          <span className="hint">
            {phase} for <Age since={phaseSince} />
          </span>
        )}
      </div>
      <div className="act panel-acts">
        {BESIDE.map((act) => (
          <Button
            key={act}
            look={ACT[act].danger ? 'danger' : 'plain'}
            className="compact"
            unable={unableTo(act, instance)}
            onClick={() => setAsked(act)}
          >
            {ACT[act].verb}
          </Button>
        ))}
        <Button
          className="compact"
          unable={clone === true ? undefined : (clone ?? 'this pool does not offer it')}
          onClick={() => setAsked('clone')}
        >
          Clone
        </Button>
        <Menu label="More actions" items={items}>
          More
        </Menu>
      </div>
      {asked === 'clone' && <CloneDialog instance={instance} onClose={close} onOpen={(open) => show({ open })} />}
      {asked === 'protect' && <ProtectDialog instance={instance} onClose={close} />}
      {asked === 'expiry' && <ExpiryDialog instance={instance} onClose={close} />}
      {asked !== null && asked in ACT && (
        <ActDialog
          plan={planFor(asked as Act, [instance])}
          instances={[instance]}
          onClose={close}
          onBegin={(ids, label) => {
            void works.begin(asked as Act, ids, label)
            close()
          }}
        />
      )}
    </>
  )
}
