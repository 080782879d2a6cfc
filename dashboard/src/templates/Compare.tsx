import { Fragment } from 'react'
import { changedFields, type Draft } from './draft.ts'
import { Diff } from './Diff.tsx'
import { FIELD_WORDS, valueText } from './words.ts'

interface CompareProps {
  before: Draft
  after: Draft
  /** How the two are called: "version 3". */
  names: { before: string; after: string }
}

/** In what two versions differ. */
export function Compare({ before, after, names }: CompareProps) {
  const changed = changedFields(before, after)
  const lines = changed.filter((field) => field !== 'instructions')
  if (changed.length === 0) {
    return (
      <p className="hint">
        No difference between {names.before} and {names.after}.
      </p>
    )
  }
  return (
    <div className="stack">
      {lines.length > 0 && (
        <dl className="compare">
          {lines.map((field) => (
            <Fragment key={field}>
              <dt>{FIELD_WORDS[field]}</dt>
              <dd>
                <span className="visually-hidden">{names.before}: </span>
                <del dir="auto">{valueText(field, before)}</del>
                <span className="visually-hidden">{names.after}: </span>
                <ins dir="auto">{valueText(field, after)}</ins>
              </dd>
            </Fragment>
          ))}
        </dl>
      )}
      {changed.includes('instructions') && <Diff label="Instructions" before={before.instructions} after={after.instructions} />}
    </div>
  )
}
