import { type ButtonHTMLAttributes, type MouseEvent, useId } from 'react'

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'disabled'> {
  look?: 'primary' | 'plain' | 'danger' | 'danger-solid'
  /** Its act is under way; pressing it again does nothing. */
  busy?: boolean
  /** Why it cannot be pressed now; said to whoever tries. */
  unable?: string | undefined
}

/** A button for acts: the second half of a double click never counts, and one that cannot be pressed says why. */
export function Button({ look = 'plain', busy = false, unable, className = '', type = 'button', onClick, ...rest }: ButtonProps) {
  const reasonId = useId()
  const off = busy || unable !== undefined
  const press = (event: MouseEvent<HTMLButtonElement>) => {
    if (off || event.detail > 1) event.preventDefault()
    else onClick?.(event)
  }
  const button = (
    <button
      {...rest}
      type={type}
      className={`button ${look} ${className}`}
      onClick={press}
      aria-disabled={off}
      aria-busy={busy}
      {...(unable === undefined ? {} : { 'aria-describedby': reasonId })}
    />
  )
  // Not the `disabled` attribute: it would take the focus away, and with it the reason.
  if (unable === undefined) return button
  return (
    <span className="with-reason">
      {button}
      <span role="tooltip" id={reasonId} className="reason">
        {unable}
      </span>
    </span>
  )
}
