import { useMutation } from '@tanstack/react-query'
import type { InstanceDebug } from '@convos/pool/contract'
import type { ReactNode } from 'react'
import type { z } from 'zod'
import { probe } from '../../api/instances.ts'
import { Button } from '../../ui/Button.tsx'
import { formatClock, formatDuration, shortDigest } from '../../ui/format.ts'
import { Problem } from '../../ui/Problem.tsx'
import { factsIn } from './credit.ts'

/** Asks the provider and the instance itself, now, and shows what came back. */
export function Debug({ id }: { id: string }) {
  const asking = useMutation({
    mutationFn: async () => {
      const at = Date.now()
      return { at, answer: await probe(id) }
    },
  })
  return (
    <div className="debug stack">
      <p className="hint">Asks the provider for its deployment, and the instance itself for its health. At most once in 5 s.</p>
      <div className="act">
        <Button look="primary" busy={asking.isPending} onClick={() => asking.mutate()}>
          {asking.isPending ? 'Probing…' : 'Probe now'}
        </Button>
        <span role="status" className="hint">
          {asking.data && `Asked at ${formatClock(asking.data.at)}.`}
        </span>
      </div>
      {asking.error && <Problem error={asking.error} />}
      {asking.data && <Answer answer={asking.data.answer} />}
    </div>
  )
}

function Answer({ answer: { state, deployment, deploymentError, probe: probed } }: { answer: z.infer<typeof InstanceDebug> }) {
  return (
    <dl className="asked">
      <Asked what="Services: where does it stand?">
        <code>{state}</code>
      </Asked>
      <Asked what="The provider: its deployment?">
        {deploymentError !== null && <p className="bad">{deploymentError}</p>}
        {deployment ? (
          <Values values={{ ...deployment, image: deployment.image === null ? null : shortDigest(deployment.image) }} />
        ) : (
          deploymentError === null && 'It knows of none.'
        )}
      </Asked>
      <Asked what="The instance: are you well?">
        {probed === null ? (
          'It has no address to be asked at.'
        ) : (
          <>
            {probed.error !== null && <p className="bad">{probed.error}</p>}
            {probed.health && <Values values={probed.health} />}
            <p className="hint">
              {probed.error === null ? 'Answered' : 'Failed'} after {formatDuration(probed.ms)}.
            </p>
          </>
        )}
      </Asked>
    </dl>
  )
}

const Asked = ({ what, children }: { what: string; children: ReactNode }) => (
  <div>
    <dt>{what}</dt>
    <dd>{children}</dd>
  </div>
)

const Values = ({ values }: { values: Record<string, unknown> }) => (
  <ul className="values">
    {factsIn(values).map(([name, value]) => (
      <li key={name}>
        <span>{name}</span> <code>{value}</code>
      </li>
    ))}
  </ul>
)
