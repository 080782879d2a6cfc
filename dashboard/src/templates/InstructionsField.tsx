import { useId, useState } from 'react'
import { ByteCounter } from '../ui/ByteCounter.tsx'
import { Field } from '../ui/Field.tsx'
import { Preview } from './Preview.tsx'

interface InstructionsFieldProps {
  value: string
  fault: string | undefined
  onChange: (value: string) => void
}

/** What its agents are told, and beside it how that reads; where there is no room, one or the other. */
export function InstructionsField({ value, fault, onChange }: InstructionsFieldProps) {
  const id = useId()
  const [reading, setReading] = useState(false)
  return (
    <div className="instructions" data-reading={reading}>
      <div className="chips instructions-switch" role="group" aria-label="Instructions">
        <button type="button" className="chip" aria-pressed={!reading} onClick={() => setReading(false)}>
          Write
        </button>
        <button type="button" className="chip" aria-pressed={reading} onClick={() => setReading(true)}>
          Preview
        </button>
      </div>
      <Field
        label="Instructions"
        error={fault}
        hint={
          <>
            <span>Markdown, told as it is written.</span>
            <ByteCounter text={value} />
          </>
        }
      >
        {(control) => (
          <textarea {...control} dir="auto" rows={12} value={value} onChange={(event) => onChange(event.target.value)} />
        )}
      </Field>
      <section className="preview" aria-labelledby={`${id}-preview`}>
        <h3 id={`${id}-preview`}>Preview</h3>
        <div className="preview-text" tabIndex={0} role="group" aria-labelledby={`${id}-preview`}>
          <Preview text={value} />
        </div>
      </section>
    </div>
  )
}
