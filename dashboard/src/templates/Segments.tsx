import { useId } from 'react'

export interface Segment<V extends string> {
  value: V
  label: string
  /** Why it cannot be chosen. */
  unable?: string | undefined
}

interface SegmentsProps<V extends string> {
  label: string
  value: V
  options: readonly Segment<V>[]
  describedBy?: string | undefined
  invalid?: boolean
  onChange: (value: V) => void
}

/** One of a few, all in sight. */
export function Segments<V extends string>({ label, value, options, describedBy, invalid, onChange }: SegmentsProps<V>) {
  const name = useId()
  return (
    // it can be focused for what is wrong with it, not by Tab: that goes to its choice
    <div
      className="segments"
      role="radiogroup"
      tabIndex={-1}
      aria-label={label}
      aria-describedby={describedBy}
      aria-invalid={invalid}
    >
      {options.map((option) => (
        <label key={option.value} className="segment" title={option.unable}>
          <input
            type="radio"
            className="visually-hidden"
            name={name}
            checked={option.value === value}
            disabled={option.unable !== undefined && option.value !== value}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </div>
  )
}
