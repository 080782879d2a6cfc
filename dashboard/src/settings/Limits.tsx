import type { Settings } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { useChangeSettings } from '../pool/acts.ts'
import { settingsQuery } from '../pool/queries.ts'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { plural } from '../ui/format.ts'
import { Problem } from '../ui/Problem.tsx'
import { Skeleton } from '../ui/Skeleton.tsx'
import { fieldText, LIMIT_NAMES, LIMITS, type LimitName, limitText, readField } from './limits.ts'

const SOURCES = { environment: 'from the environment', operator: 'set by an operator' } as const

/** What bounds the supply. */
export function Limits() {
  const { data, error } = useQuery(settingsQuery)
  const [edited, setEdited] = useState<LimitName | null>(null)
  return (
    <section className="panel stack" aria-labelledby="settings-limits">
      <h2 id="settings-limits" className="panel-title">
        Limits and supply
      </h2>
      {error && <Problem error={error} />}
      {!data && !error && LIMIT_NAMES.map((name) => <Skeleton key={name} className="w-full" />)}
      {data && (
        <dl className="limits">
          <div className="limit">
            <dt>Supply</dt>
            <dd>
              {plural(data.minIdle, 'ready instance')} kept{data.paused && ', but the refill is paused'}
            </dd>
            <dd className="limit-act">
              <Link to="/pool">Change on the Pool page</Link>
            </dd>
          </div>
          {LIMIT_NAMES.map((name) => (
            <div key={name} className="limit">
              <dt>{LIMITS[name].label}</dt>
              {edited === name ? (
                <dd className="limit-form">
                  <LimitForm name={name} settings={data} onClose={() => setEdited(null)} />
                </dd>
              ) : (
                <>
                  <dd>
                    {limitText(name, data)} <span className="hint">{SOURCES[data.source[name]]}</span>
                    <p className="hint">{LIMITS[name].hint}</p>
                  </dd>
                  <dd className="limit-act">
                    <Button className="compact" aria-label={`Change ${LIMITS[name].label}`} onClick={() => setEdited(name)}>
                      Change
                    </Button>
                  </dd>
                </>
              )}
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

interface LimitFormProps {
  name: LimitName
  settings: Settings
  onClose: () => void
}

function LimitForm({ name, settings, onClose }: LimitFormProps) {
  const { label, hint, unit, none } = LIMITS[name]
  const [text, setText] = useState(() => fieldText(name, settings))
  const change = useChangeSettings()
  const read = readField(name, text)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if ('value' in read && !change.isPending) change.mutate({ [name]: read.value }, { onSuccess: onClose })
  }
  return (
    <form className="stack" onSubmit={submit}>
      <Field
        label={`${label}, ${unit}`}
        hint={none === undefined ? hint : `${hint} Empty: ${none}.`}
        error={'wrong' in read ? read.wrong : undefined}
      >
        {(control) => (
          <input
            {...control}
            // it was asked for by its own button
            ref={(input) => input?.focus({ preventScroll: true })}
            inputMode="decimal"
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => event.key === 'Escape' && onClose()}
          />
        )}
      </Field>
      {change.error && <Problem error={change.error} isAct />}
      <div className="act">
        <Button
          look="primary"
          type="submit"
          className="compact"
          busy={change.isPending}
          unable={'wrong' in read ? read.wrong : undefined}
        >
          Save
        </Button>
        <Button className="compact" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </form>
  )
}
