import type { Instance } from '@convos/pool/contract'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { drain } from '../api/supply.ts'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { Age } from '../ui/Age.tsx'
import { formatNumber, plural } from '../ui/format.ts'
import { named } from '../fleet/words.ts'
import { useBegun } from './acts.ts'
import { Stepper } from './Stepper.tsx'

const LISTED = 8
/** One request takes at most so many. */
const DRAIN_MAX = 1_000

interface DrainProps {
  /** Those that it can take, the oldest first. */
  from: readonly Instance[]
  /** There are more than `from` has. */
  isPartial: boolean
  count: number
  onCount: (count: number) => void
  onClose: () => void
}

/** Chooses how many ready instances go. Which ones is shown here and in the rack, and exactly those are asked for. */
export function Drain({ from, isPartial, count, onCount, onClose }: DrainProps) {
  // those that were shown when it was asked about: what is next in line by then is another matter
  const [asked, setAsked] = useState<readonly Instance[] | null>(null)
  const begun = useBegun()
  const going = from.slice(0, count)
  const act = useMutation({
    mutationFn: (instances: readonly Instance[]) =>
      drain(isPartial ? { count: instances.length } : { ids: instances.map(({ id }) => id) }),
    onSuccess: (operation) => {
      begun(operation)
      onClose()
    },
  })
  return (
    <section className="drain" aria-label="Drain">
      <div className="control">
        <Stepper
          label="How many to drain"
          value={Math.min(count, from.length)}
          min={Math.min(1, from.length)}
          max={Math.min(from.length, DRAIN_MAX)}
          onChange={onCount}
        />
        <span className="muted">of {formatNumber(from.length)} ready, the oldest first</span>
        <Button className="compact" onClick={() => onCount(from.length)}>
          All
        </Button>
        <span className="grow" />
        <Button onClick={onClose}>Cancel</Button>
        <Button
          look="danger"
          busy={act.isPending}
          unable={going.length === 0 ? 'none is ready that may go' : undefined}
          onClick={() => setAsked(going)}
        >
          {verbFor(going)}
        </Button>
      </div>
      <Going instances={going} />
      {asked && (
        <ConfirmDialog
          title={asked.length >= from.length ? 'Leave nothing ready?' : `${verbFor(asked)}?`}
          act={verbFor(asked)}
          thing={named(asked)}
          busy={act.isPending}
          error={act.error}
          onConfirm={() => act.mutate(asked)}
          onClose={() => setAsked(null)}
        >
          <Going instances={asked} />
          <p>
            {asked.length >= from.length
              ? 'Nothing is left to claim until the pool has made new ones.'
              : `Nobody’s data is in ${asked.length === 1 ? 'it' : 'them'}, and the pool fills itself up to its target.`}{' '}
            One that is claimed meanwhile is left alone.
          </p>
        </ConfirmDialog>
      )}
    </section>
  )
}

const verbFor = (instances: readonly Instance[]): string => `Drain ${plural(instances.length, 'instance')}`

/** The instances that would go, as far as a line or two can name them. */
const Going = ({ instances }: { instances: readonly Instance[] }) => (
  <ul className="going" aria-label="Would go">
    {instances.slice(0, LISTED).map(({ id, createdAt }) => (
      <li key={id}>
        <code>{id}</code> <Age since={createdAt} />
      </li>
    ))}
    {instances.length > LISTED && <li>and {formatNumber(instances.length - LISTED)} more</li>}
  </ul>
)
