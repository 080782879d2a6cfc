import { useState } from 'react'
import { Button } from './Button.tsx'

/** Copies a text and says so beside the button; the button keeps its name. */
export function CopyButton({ label, text, className = '' }: { label: string; text: string; className?: string }) {
  const [said, setSaid] = useState('')
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid('The browser did not allow copying; select the text instead.'),
    )
  return (
    <span className="copy">
      <Button className={className} onClick={() => void copy()}>
        {label}
      </Button>
      <span role="status">{said}</span>
    </span>
  )
}
