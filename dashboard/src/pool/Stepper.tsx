interface StepperProps {
  label: string
  value: number
  min: number
  max: number
  onChange: (value: number) => void
}

/** A number with a button on either side. */
export function Stepper({ label, value, min, max, onChange }: StepperProps) {
  const change = (to: number) => onChange(Math.min(max, Math.max(min, Math.trunc(to) || 0)))
  return (
    <span className="stepper" role="group" aria-label={label}>
      <button type="button" aria-label="One less" aria-disabled={value <= min} onClick={() => change(value - 1)}>
        −
      </button>
      <input
        inputMode="numeric"
        aria-label={label}
        value={value}
        onFocus={(event) => event.target.select()}
        onChange={(event) => change(Number(event.target.value))}
        onKeyDown={(event) => {
          if (event.key === 'ArrowUp') change(value + 1)
          if (event.key === 'ArrowDown') change(value - 1)
        }}
      />
      <button type="button" aria-label="One more" aria-disabled={value >= max} onClick={() => change(value + 1)}>
        +
      </button>
    </span>
  )
}
