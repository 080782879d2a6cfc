import { useQuery } from '@tanstack/react-query'
import { keysQuery } from '../settings/queries.ts'
import { Field } from '../ui/Field.tsx'
import { Popover } from '../ui/Popover.tsx'
import { useUrlText } from '../ui/useUrlText.ts'
import type { Narrowed, ShownView } from './view.ts'
import { actorName } from './words.ts'

/** Who, what and when, for the few times that the links in the lines do not do. */
export const FilterForm = ({ view, show }: ShownView) => (
  <Popover label="Narrow…" title="Narrow to">
    <div className="narrow-form">
      <Who view={view} show={show} />
      <Id name="instance" label="Instance" most={64} />
      <Id name="claim" label="Claim" most={64} />
      <Id name="request" label="Request id" most={128} />
      <Moment label="From" value={view.from} onChange={(from) => show({ from })} />
      <Moment label="Before" value={view.to} onChange={(to) => show({ to })} />
    </div>
  </Popover>
)

function Who({ view: { actor }, show }: ShownView) {
  const keys = useQuery(keysQuery).data?.keys
  const known = ['pool', 'key:pool', ...(keys ?? []).map(({ id }) => `key:${id}`)]
  const all = actor === '' || known.includes(actor) ? known : [...known, actor]
  return (
    <Field label="Who">
      {(control) => (
        <select {...control} value={actor} onChange={(event) => show({ actor: event.target.value })}>
          <option value="">anybody</option>
          {all.map((one) => (
            <option key={one} value={one}>
              {actorName(one, keys)}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

function Id({ name, label, most }: { name: Narrowed; label: string; most: number }) {
  const [text, setText] = useUrlText(name)
  return (
    <Field label={label}>
      {(control) => (
        <input
          {...control}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          maxLength={most}
          placeholder="the whole id"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
    </Field>
  )
}

/** What `datetime-local` takes: the viewer's wall clock, to the minute. */
const toLocal = (at: Date) => new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)

interface MomentProps {
  label: string
  /** As the API writes it; empty: any. */
  value: string
  onChange: (value: string) => void
}

const Moment = ({ label, value, onChange }: MomentProps) => (
  <Field label={label}>
    {(control) => (
      <input
        {...control}
        type="datetime-local"
        value={value === '' ? '' : toLocal(new Date(value))}
        onChange={({ target }) => onChange(target.value === '' ? '' : new Date(target.value).toISOString())}
      />
    )}
  </Field>
)
