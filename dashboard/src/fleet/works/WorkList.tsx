import { useQuery } from '@tanstack/react-query'
import { Button } from '../../ui/Button.tsx'
import { formatNumber } from '../../ui/format.ts'
import { Problem } from '../../ui/Problem.tsx'
import { type Begun, workQuery, type Works } from './useWorks.ts'
import { type Progress, progressOf } from './work.ts'

const ERRORS_SHOWN = 3

/** What was begun here, with its progress. */
export const WorkList = ({ works }: { works: Works }) =>
  works.begun.length > 0 && (
    <section className="works" aria-label="Operations">
      <ul>
        {works.begun.map((one) => (
          <WorkLine key={one.key} begun={one} />
        ))}
      </ul>
      <Button className="compact" onClick={works.clear}>
        Clear finished
      </Button>
    </section>
  )

function WorkLine({ begun: { key, label } }: { begun: Begun }) {
  const { data: work } = useQuery(workQuery(key))
  if (!work) return null
  const progress = progressOf(work)
  const { done, failed, total, errors, refusals } = progress
  return (
    <li className="work">
      <bdi className="work-name">{label}</bdi>
      <progress aria-label={label} max={Math.max(1, total)} value={done + failed} />
      <span role="status" className={failed > 0 ? 'work-failed' : ''}>
        {textOf(progress)}
      </span>
      {errors.slice(0, ERRORS_SHOWN).map(({ instanceId, why }) => (
        <p key={instanceId} className="work-failed">
          <code>{instanceId}</code> {why}
        </p>
      ))}
      {refusals.map(({ ids, error }) => (
        <div key={ids[0]} className="work-refusal">
          <p className="work-failed">
            <code>{ids.slice(0, ERRORS_SHOWN).join(', ')}</code>
            {ids.length > ERRORS_SHOWN && ` and ${formatNumber(ids.length - ERRORS_SHOWN)} more`}
          </p>
          <Problem error={error} isAct />
        </div>
      ))}
      {errors.length > ERRORS_SHOWN && <p className="work-failed">and {formatNumber(errors.length - ERRORS_SHOWN)} more</p>}
    </li>
  )
}

function textOf({ done, failed, total, over }: Progress): string {
  const figures = `${formatNumber(done)} of ${formatNumber(total)}${failed > 0 ? `, ${formatNumber(failed)} failed` : ''}`
  return over ? `${failed > 0 ? 'ended' : 'done'}, ${figures}` : figures
}
