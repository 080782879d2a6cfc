import { useState } from 'react'
import { Button } from './Button.tsx'

interface CopyButtonProps {
  label: string
  text: string
  /** What it copies, for whoever does not see what it stands beside: "wallet address". */
  of?: string
  className?: string
}

/** Copies a text and says so beside the button; the button keeps its name. */
export function CopyButton({ label, text, of, className = '' }: CopyButtonProps) {
  const [said, setSaid] = useState('')
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid('The browser did not allow copying; select the text instead.'),
    )
  return (
    <span className="copy">
      <Button className={className} onClick={() => void copy()} {...(of === undefined ? {} : { 'aria-label': `${label} ${of}` })}>
        {label}
      </Button>
      <span role="status">{said}</span>
    </span>
  )
}
