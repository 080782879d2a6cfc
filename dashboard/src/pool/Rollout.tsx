import type { Instance, Operation } from '@convos/pool/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { rollOut, stopOperation } from '../api/supply.ts'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { plural } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { Skeleton } from '../ui/Skeleton.tsx'
import { useBegun } from './acts.ts'
import { ImageList } from './ImageList.tsx'
import { imagesQuery, settingsQuery } from './queries.ts'
import { imageName, progressText } from './words.ts'
import { offImage } from './work.ts'

interface RolloutProps {
  instances: readonly Instance[]
  /** The one under way. */
  rollout: Operation | undefined
}

/** Images, and the way from one to another. */
export function Rollout({ instances, rollout }: RolloutProps) {
  const { data } = useQuery(imagesQuery)
  const paused = useQuery(settingsQuery).data?.paused ?? false
  const wanted = data?.wanted ?? null
  const off = offImage(instances, wanted)
  const from = [...new Set(off.map(({ image }) => imageName(image)))]
  return (
    <section className="panel stack" aria-label="Images">
      <h2 className="panel-title">Images</h2>
      <ImageList />
      {rollout ? (
        <UnderWay rollout={rollout} from={from} wanted={wanted} />
      ) : data === undefined ? (
        <Skeleton className="h-9 w-32" />
      ) : (
        <Begin count={off.length} from={from} wanted={wanted} unable={whyNot({ wanted, off: off.length, paused })} />
      )}
    </section>
  )
}

/** Why there is nothing to roll out; the API says the same with its 409. */
function whyNot({ wanted, off, paused }: { wanted: string | null; off: number; paused: boolean }): string | undefined {
  if (wanted === null) return 'what the tag means is not known yet'
  if (off === 0) return 'every ready instance is on the wanted image'
  return paused ? 'the refill is paused' : undefined
}

interface Way {
  from: readonly string[]
  wanted: string | null
}

const FromTo = ({ from, wanted }: Way) => (
  <span className="from-to">
    {from.length > 0 && (
      <>
        <code>{from.join(', ')}</code> →{' '}
      </>
    )}
    <code>{imageName(wanted)}</code>
  </span>
)

function Begin({ count, unable, ...way }: Way & { count: number; unable: string | undefined }) {
  const [asking, setAsking] = useState(false)
  const begun = useBegun()
  const act = useMutation({
    mutationFn: rollOut,
    onSuccess: (operation) => {
      begun(operation)
      setAsking(false)
    },
  })
  return (
    <div className="act">
      <Button unable={unable} onClick={() => setAsking(true)}>
        Roll out image
      </Button>
      {unable === undefined && <FromTo {...way} />}
      {asking && (
        <ConfirmDialog
          title="Roll the wanted image out?"
          act={`Replace ${plural(count, 'instance')}`}
          thing={plural(count, 'ready instance')}
          busy={act.isPending}
          error={act.error}
          onConfirm={() => act.mutate()}
          onClose={() => setAsking(false)}
        >
          <p>
            <FromTo {...way} />
          </p>
          <p>
            One at a time: first a new instance becomes ready, then an old one goes. It begins once the new image has proven
            itself. Agents in use stay as they are, and it can be stopped.
          </p>
        </ConfirmDialog>
      )}
    </div>
  )
}

function UnderWay({ rollout, ...way }: Way & { rollout: Operation }) {
  const stop = useMutation({ mutationFn: () => stopOperation(rollout.id), onSuccess: useBegun() })
  return (
    <div className="rollout" aria-label="Roll-out" role="group">
      <p>
        Rolling out <FromTo {...way} />
      </p>
      <ul className="rollout-cells" aria-hidden="true">
        {rollout.items.map(({ instanceId, state }) => (
          <li key={instanceId} className={`rollout-${state}`} />
        ))}
      </ul>
      <p className="act">
        <span role="status">{progressText(rollout)} replaced</span>
        <Button className="compact" busy={stop.isPending} onClick={() => stop.mutate()}>
          Stop roll-out
        </Button>
      </p>
      {stop.error && <Problem error={stop.error} isAct />}
    </div>
  )
}
