import type { Operation } from '@convos/pool/contract'
import { useMutation, type UseMutationResult } from '@tanstack/react-query'
import { useState } from 'react'
import type { ApiError } from '../api/errors.ts'
import { drain, replenish } from '../api/pool.ts'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { formatNumber, plural } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'

/** One request adds at most so many. */
const REPLENISH_MAX = 20

interface SupplyProps {
  ready: number
  target: number
  onStarted: (operation: Operation, label: string) => void
}

/** Adding warm instances and taking them away, beside the figures they change. */
export function SupplyControls({ ready, target, onStarted }: SupplyProps) {
  const adding = useMutation({
    mutationFn: replenish,
    onSuccess: (operation, count) => onStarted(operation, `Replenish by ${plural(count, 'instance')}`),
  })
  const draining = useMutation({
    mutationFn: drain,
    onSuccess: (operation, count) => onStarted(operation, `Drain ${plural(count, 'ready instance')}`),
  })
  return (
    <section className="supply" aria-label="Supply">
      <p>
        <b className="big">{formatNumber(ready)}</b> ready of {formatNumber(target)} wanted
      </p>
      <Replenish act={adding} />
      <Drain ready={ready} act={draining} />
      {adding.error && <Problem error={adding.error} />}
      {draining.error && <Problem error={draining.error} />}
    </section>
  )
}

type Act = UseMutationResult<Operation, ApiError, number>

function Replenish({ act }: { act: Act }) {
  const [count, setCount] = useState(1)
  return (
    <div className="control">
      <Count label="How many to add" value={count} max={REPLENISH_MAX} onChange={setCount} />
      <Button busy={act.isPending} onClick={() => act.mutate(count)}>
        Replenish
      </Button>
    </div>
  )
}

function Drain({ ready, act }: { ready: number; act: Act }) {
  const [chosen, setChosen] = useState(1)
  const [all, setAll] = useState(false)
  const [asking, setAsking] = useState(false)
  const count = all ? ready : Math.min(chosen, ready)
  // only what leaves a claimer with nothing is asked about first
  const press = () => (count === ready ? setAsking(true) : act.mutate(count))
  return (
    <div className="control">
      <Count
        label="How many to drain"
        value={all ? ready : chosen}
        max={Math.max(1, ready)}
        onChange={setChosen}
        disabled={all}
      />
      <label className="check">
        <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> All ready
      </label>
      <Button look="danger" busy={act.isPending} unable={ready === 0 ? 'none is ready' : undefined} onClick={press}>
        Drain
      </Button>
      {asking && (
        <ConfirmDialog
          title="Leave nothing ready?"
          act={`Drain ${plural(count, 'instance')}`}
          thing={plural(count, 'ready instance')}
          busy={act.isPending}
          error={null}
          onConfirm={() => act.mutate(count, { onSettled: () => setAsking(false) })}
          onClose={() => setAsking(false)}
        >
          <p>
            {ready === 1 ? 'The only ready instance is' : `All ${formatNumber(ready)} ready instances are`} deleted, and claims
            have to wait until the pool has made new ones. Claimed agents stay.
          </p>
        </ConfirmDialog>
      )}
    </div>
  )
}

interface CountProps {
  label: string
  value: number
  max: number
  disabled?: boolean
  onChange: (value: number) => void
}

function Count({ label, value, max, disabled = false, onChange }: CountProps) {
  const change = (text: string) => onChange(Math.min(max, Math.max(1, Math.trunc(Number(text)) || 1)))
  return (
    <input
      type="number"
      aria-label={label}
      min={1}
      max={max}
      value={value}
      disabled={disabled}
      onFocus={(event) => event.target.select()}
      onChange={(event) => change(event.target.value)}
    />
  )
}
