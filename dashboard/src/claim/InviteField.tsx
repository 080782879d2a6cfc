import { useState } from 'react'
import { useSession } from '../session/session.ts'
import { Field } from '../ui/Field.tsx'
import { checkInvite } from './invite.ts'

interface InviteFieldProps {
  value: string
  /** What pool had against it. */
  fault: string | undefined
  onChange: (value: string) => void
}

/** Where the agent goes: into a conversation of its own, or into the one of an invite, which is looked at as it is typed. */
export function InviteField({ value, fault, onChange }: InviteFieldProps) {
  const { environment } = useSession()
  const [open, setOpen] = useState(value !== '')
  const [left, setLeft] = useState(false)
  const { verdict, text } = checkInvite(value, environment)
  // an unfinished link is no mistake before the field is left
  const wrong = verdict === 'wrong' || (verdict === 'unfinished' && left)
  return (
    <details className="disclosure" open={open || fault !== undefined} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Join a conversation</summary>
      <Field
        label="Invite link"
        error={fault ?? (wrong ? text : undefined)}
        hint={!wrong && <span className={verdict === 'good' ? 'good' : undefined}>{text}</span>}
      >
        {(control) => (
          <input
            {...control}
            type="text"
            inputMode="url"
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            value={value}
            onBlur={() => setLeft(true)}
            onChange={(event) => {
              setLeft(false)
              onChange(event.target.value)
            }}
          />
        )}
      </Field>
    </details>
  )
}
