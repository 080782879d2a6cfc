import { plural } from '../ui/format.ts'
import { countsOf, diffLines, type Hunk, hunksOf, type Line } from './diff.ts'

const SIGN: Record<Line['kind'], { mark: string; said: string }> = {
  same: { mark: ' ', said: '' },
  added: { mark: '+', said: 'added: ' },
  removed: { mark: '−', said: 'removed: ' },
}

/** Two texts against each other, line by line. */
export function Diff({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = diffLines(before, after)
  const { added, removed } = countsOf(lines)
  return (
    <figure className="diff">
      <figcaption>
        {label}{' '}
        <span className="hint">
          {plural(added, 'line')} added, {plural(removed, 'line')} removed
        </span>
      </figcaption>
      <div className="diff-lines" tabIndex={0} role="group" aria-label={label} dir="auto">
        {hunksOf(lines).map((hunk) => (
          <Part key={hunk.at} hunk={hunk} />
        ))}
      </div>
    </figure>
  )
}

function Part({ hunk }: { hunk: Hunk }) {
  if ('left' in hunk) return <p className="diff-left">{plural(hunk.left, 'line')} unchanged</p>
  return hunk.lines.map(({ kind, text }, n) => (
    <p key={hunk.at + n} className={`diff-${kind}`}>
      <span aria-hidden="true">{SIGN[kind].mark}</span>
      <span className="visually-hidden">{SIGN[kind].said}</span>
      <span className="diff-text">{text}</span>
    </p>
  ))
}
