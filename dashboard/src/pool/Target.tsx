import { useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { formatNumber } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { useChangeSettings } from './acts.ts'
import { Stepper } from './Stepper.tsx'

const TARGET_MAX = 10_000

/** How many ready instances the pool keeps, and another number that it is to keep. */
export function Target({ target }: { target: number }) {
  const [draft, setDraft] = useState<number | null>(null)
  const [asking, setAsking] = useState(false)
  const change = useChangeSettings()
  const wanted = draft ?? target
  const set = () =>
    change.mutate(
      { minIdle: wanted },
      {
        onSuccess: () => {
          setDraft(null)
          setAsking(false)
        },
      },
    )
  return (
    <div className="target">
      <span>target</span>
      <Stepper label="Target" value={wanted} min={0} max={TARGET_MAX} onChange={setDraft} />
      <span className={wanted === target && !change.isPending ? 'target-set invisible' : 'target-set'}>
        <Button
          look="primary"
          className="compact"
          busy={change.isPending}
          onClick={() => (wanted === 0 ? setAsking(true) : set())}
        >
          Set to {formatNumber(wanted)}
        </Button>
        <Button className="compact" onClick={() => setDraft(null)}>
          Keep {formatNumber(target)}
        </Button>
      </span>
      {change.error && !asking && <Problem error={change.error} isAct />}
      {asking && (
        <ConfirmDialog
          title="Keep no instance ready?"
          act="Set the target to 0"
          thing="no ready instance"
          busy={change.isPending}
          error={change.error}
          onConfirm={set}
          onClose={() => setAsking(false)}
        >
          <p>Claims have to wait until somebody replenishes by hand. Those that are ready now stay, and agents in use do.</p>
        </ConfirmDialog>
      )}
    </div>
  )
}
