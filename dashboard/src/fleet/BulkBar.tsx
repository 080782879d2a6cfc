import type { Instance } from '@convos/pool/contract'
import { useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { formatNumber } from '../ui/format.ts'
import { type Act, ACT, planFor } from './acts.ts'

const OFFERED: readonly Act[] = ['drain', 'redeploy', 'recycle', 'dismiss', 'kill']

interface BulkBarProps {
  selected: readonly Instance[]
  /** There are more than those that are loaded. */
  more: boolean
  onAct: (act: Act) => void
  onClear: () => void
}

/** What can be done with the selection, and what exactly the act that one looks at would do. */
export function BulkBar({ selected, more, onAct, onClear }: BulkBarProps) {
  const [looked, setLooked] = useState<Act | null>(null)
  if (selected.length === 0) return null
  const plans = OFFERED.map((act) => planFor(act, selected))
  const told = plans.find(({ act }) => act === looked) ?? plans.find(({ ids }) => ids.length > 0)
  return (
    <section className="bulk" aria-label="Selection">
      <p>
        <b>{formatNumber(selected.length)}</b> selected{more && ', of those that are loaded'}
      </p>
      <p role="status" className="bulk-sentence">
        {told?.sentence ?? 'Nothing can be done with these together'}
      </p>
      <div className="act">
        {plans.map(({ act, ids, skipped }) => (
          <Button
            key={act}
            look={ACT[act].danger ? 'danger' : 'plain'}
            className="compact"
            unable={ids.length === 0 ? skipped[0]?.why : undefined}
            onClick={() => onAct(act)}
            onFocus={() => setLooked(act)}
            onPointerEnter={() => setLooked(act)}
          >
            {ids.length === 0 ? ACT[act].verb : `${ACT[act].verb} ${formatNumber(ids.length)}`}
          </Button>
        ))}
        <Button className="compact" onClick={onClear}>
          Clear selection
        </Button>
      </div>
    </section>
  )
}
