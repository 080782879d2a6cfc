import type { ApiKey, Role } from '@convos/pool/contract'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { createKey } from '../api/keys.ts'
import { Button } from '../ui/Button.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Field } from '../ui/Field.tsx'
import { focusOnArrival } from '../ui/focus.ts'
import { Problem } from '../ui/Problem.tsx'
import { limitIn } from './limits.ts'
import { keysQuery } from './queries.ts'

const ROLES: readonly { role: Role; does: string }[] = [
  { role: 'claimer', does: 'claims agents, and sees its own claims' },
  { role: 'operator', does: 'sees and does everything, keys too' },
]
const NOT_A_LIMIT = 'A whole number of at least 1, or nothing for no limit.'

/** Makes a key, and shows it this once. */
export function NewKeyDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('claimer')
  const [perMinute, setPerMinute] = useState('60')
  const [perDay, setPerDay] = useState('')
  const make = useMutation({
    mutationFn: createKey,
    // the secret is in no cache
    gcTime: 0,
    onSuccess: ({ key: _secret, ...made }) => {
      client.setQueryData(keysQuery.queryKey, (known) => known && { keys: withKey(known.keys, made) })
    },
  })
  const claimsPerMinute = limitIn(perMinute)
  const claimsPerDay = limitIn(perDay)
  const missing =
    name.trim() === ''
      ? 'it needs a name'
      : claimsPerMinute === undefined || claimsPerDay === undefined
        ? 'a limit is not a number'
        : undefined
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (claimsPerMinute === undefined || claimsPerDay === undefined || missing !== undefined || make.isPending) return
    make.mutate({ name: name.trim(), role, claimsPerMinute, claimsPerDay })
  }
  if (make.data) return <TheKey made={make.data} onClose={onClose} />
  const taken = make.error?.code === 'NAME_TAKEN'
  const refused = make.error?.fields.find(({ path }) => path === 'name')?.message
  return (
    <Dialog title="New key" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <Field
          label="Name"
          hint="Who or what uses it, e.g. “website” or a person."
          error={taken ? 'There is a key of this name already.' : refused}
        >
          {(control) => (
            <input
              {...control}
              autoComplete="off"
              maxLength={64}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <fieldset className="key-roles">
          <legend>Role</legend>
          {ROLES.map((one) => (
            <label key={one.role} className="check">
              <input type="radio" name="role" checked={role === one.role} onChange={() => setRole(one.role)} />
              <span>
                <b>{one.role}</b> <span className="hint">{one.does}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div className="key-limits">
          <Field label="Claims a minute" error={claimsPerMinute === undefined ? NOT_A_LIMIT : undefined}>
            {(control) => (
              <input
                {...control}
                inputMode="numeric"
                placeholder="no limit"
                value={perMinute}
                onChange={(event) => setPerMinute(event.target.value)}
              />
            )}
          </Field>
          <Field label="Claims a day" error={claimsPerDay === undefined ? NOT_A_LIMIT : undefined}>
            {(control) => (
              <input
                {...control}
                inputMode="numeric"
                placeholder="no limit"
                value={perDay}
                onChange={(event) => setPerDay(event.target.value)}
              />
            )}
          </Field>
        </div>
        {make.error && !taken && <Problem error={make.error} isAct />}
        <div className="act end">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" busy={make.isPending} unable={missing}>
            Make key
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

const withKey = (keys: readonly ApiKey[], made: ApiKey): ApiKey[] =>
  // the stream may have been quicker
  keys.some(({ id }) => id === made.id) ? [...keys] : [made, ...keys]

/** The only time that it is seen; neither Escape nor a press outside takes it away. */
const TheKey = ({ made: { name, role, key }, onClose }: { made: ApiKey & { key: string }; onClose: () => void }) => (
  <Dialog
    title={
      <>
        Key “<bdi>{name}</bdi>” for {role === 'operator' ? 'an operator' : 'a claimer'}
      </>
    }
    onClose={() => {}}
  >
    <p className="notice" tabIndex={-1} ref={focusOnArrival}>
      <strong>This is the only time that the key is shown.</strong> The pool keeps only its hash. Store it where it is used, or
      make another one.
    </p>
    <p>
      <code className="the-key">{key}</code>
    </p>
    <div className="act">
      <CopyButton label="Copy key" text={key} />
    </div>
    <div className="act end">
      <Button look="primary" onClick={onClose}>
        It is stored
      </Button>
    </div>
  </Dialog>
)
