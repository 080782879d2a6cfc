import type { Instance } from '@convos/pool/contract'
import { type FormEvent, useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'
import { formatMoment } from '../../ui/format.ts'
import { useTicking } from '../../ui/ticking.ts'
import { Problem } from '../../ui/Problem.tsx'
import { nameOf } from '../words.ts'
import { useChange } from './useChange.ts'

/** What `datetime-local` takes: the viewer's wall clock, to the minute. */
const toLocal = (at: Date) => new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)

/** When its agent ends by itself. */
export function ExpiryDialog({ instance, onClose }: { instance: Instance; onClose: () => void }) {
  const { id, expiresAt } = instance
  const [text, setText] = useState(() => toLocal(new Date(expiresAt ?? Date.now() + 24 * 3_600_000)))
  const change = useChange(id, onClose)
  const at = Date.parse(text)
  const past = useTicking((now) => at <= now)
  const wrong = Number.isNaN(at) ? 'A date and a time' : past ? 'It has to be in the future' : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (wrong === undefined) change.mutate({ expiresAt: new Date(at).toISOString() })
  }
  return (
    <Dialog
      title={
        <>
          When does <bdi>{nameOf(instance)}</bdi> end?
        </>
      }
      onClose={onClose}
    >
      <form className="stack" onSubmit={submit}>
        <p>
          Then the agent is deleted with its memory and its tools, and leaves its conversation.{' '}
          {expiresAt === null ? 'Now it never ends by itself.' : `Now: ${formatMoment(Date.parse(expiresAt))}.`}
        </p>
        <Field label="Ends at" error={wrong}>
          {(control) => (
            <input {...control} type="datetime-local" value={text} onChange={(event) => setText(event.target.value)} />
          )}
        </Field>
        {change.error && <Problem error={change.error} />}
        <div className="act end">
          <Button onClick={onClose}>Cancel</Button>
          {expiresAt !== null && (
            <Button busy={change.isPending} onClick={() => change.mutate({ expiresAt: null })}>
              Never
            </Button>
          )}
          <Button type="submit" look="primary" busy={change.isPending} unable={wrong}>
            Set its end
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
