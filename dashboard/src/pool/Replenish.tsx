import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { replenish } from '../api/supply.ts'
import { Button } from '../ui/Button.tsx'
import { plural } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { useBegun } from './acts.ts'
import { Stepper } from './Stepper.tsx'

/** One request adds at most so many. */
const REPLENISH_MAX = 20

/** Adds instances at once, whatever the target. */
export function Replenish() {
  const [count, setCount] = useState(1)
  const act = useMutation({ mutationFn: replenish, onSuccess: useBegun() })
  return (
    <div className="control">
      <Stepper label="How many to add" value={count} min={1} max={REPLENISH_MAX} onChange={setCount} />
      <Button busy={act.isPending} title={`Adds ${plural(count, 'instance')} at once`} onClick={() => act.mutate(count)}>
        Replenish
      </Button>
      {act.error && <Problem error={act.error} isAct />}
    </div>
  )
}
