import { DEFAULT_AGENT_NAME } from '@convos/pool/contract'
import { type SubmitEvent, useEffect, useRef, useState } from 'react'
import type { ApiError } from '../api/errors.ts'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { formatNumber } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import type { Attempt } from './attempt.ts'
import { bodyOf, byteLength, claimLabel, type Draft, draftErrors, INSTRUCTIONS_MAX_BYTES, refusalErrors } from './draft.ts'

interface ClaimFormProps {
  draft: Draft
  onChange: (draft: Draft) => void
  /** How many agents are ready; undefined while unknown. */
  ready: number | undefined
  /** Why the last attempt brought no agent. */
  failure: ApiError | null
  onClaim: (body: Attempt['body']) => void
}

export function ClaimForm({ draft, onChange, ready, failure, onClaim }: ClaimFormProps) {
  const [found, setFound] = useState(() => (failure ? refusalErrors(failure) : {}))
  const [joining, setJoining] = useState(draft.joinUrl !== '')
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (Object.keys(found).length > 0) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }, [found])

  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change })
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const body = bodyOf(draft, ready)
    const errors = draftErrors(body)
    setFound(errors)
    if (Object.keys(errors).length === 0) onClaim(body)
  }
  return (
    <form className="column stack" ref={form} onSubmit={submit} noValidate>
      <h1>Claim an agent</h1>
      {failure && <Problem error={failure} />}
      <Field label="Agent name" error={found.agentName} hint={`Left empty, it is called ${DEFAULT_AGENT_NAME}.`}>
        {(control) => (
          <input
            {...control}
            dir="auto"
            autoComplete="off"
            value={draft.agentName}
            onChange={(e) => set({ agentName: e.target.value })}
          />
        )}
      </Field>
      <Field
        label="Instructions"
        error={found.instructions}
        hint={
          <>
            <span>Left empty, it is a brief and friendly helper.</span>
            <Counter text={draft.instructions} />
          </>
        }
      >
        {(control) => (
          <textarea
            {...control}
            dir="auto"
            rows={5}
            value={draft.instructions}
            onChange={(e) => set({ instructions: e.target.value })}
          />
        )}
      </Field>
      <details
        className="disclosure"
        open={joining || found.joinUrl !== undefined}
        onToggle={(e) => setJoining(e.currentTarget.open)}
      >
        <summary>Join a conversation</summary>
        <Field
          label="Invite link"
          error={found.joinUrl}
          hint="Paste an invite of Convos. Left empty, a new conversation is made."
        >
          {(control) => (
            <input
              {...control}
              type="text"
              inputMode="url"
              autoComplete="off"
              spellCheck={false}
              value={draft.joinUrl}
              onChange={(e) => set({ joinUrl: e.target.value })}
            />
          )}
        </Field>
      </details>
      <div className="act">
        <Button look="primary" type="submit">
          {claimLabel(ready)}
        </Button>
        {ready === 0 && <p className="hint">None is ready now. The next one is yours; waiting lasts a minute at most.</p>}
      </div>
    </form>
  )
}

function Counter({ text }: { text: string }) {
  const bytes = byteLength(text)
  return (
    <span className={bytes > INSTRUCTIONS_MAX_BYTES ? 'counter over' : 'counter'}>
      {formatNumber(bytes)} of {formatNumber(INSTRUCTIONS_MAX_BYTES)} bytes
    </span>
  )
}
