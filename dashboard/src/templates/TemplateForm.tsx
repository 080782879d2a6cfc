import { type ReactNode, type SubmitEvent, useEffect, useEffectEvent } from 'react'
import { Field } from '../ui/Field.tsx'
import type { Faults } from '../ui/faults.ts'
import { useFocusOnFault } from '../ui/useFocusOnFault.ts'
import { InstructionsField } from './InstructionsField.tsx'
import { Segments } from './Segments.tsx'
import { ToolsField } from './ToolsField.tsx'
import type { Editing } from './useEditing.ts'
import { VISIBILITY_WORDS } from './words.ts'

interface TemplateFormProps {
  editing: Editing
  faults: Faults
  onSave: () => void
  /** What went wrong, and the buttons. */
  children: ReactNode
}

/** Everything that a template says. */
export function TemplateForm({ editing: { draft, change }, faults, onSave, children }: TemplateFormProps) {
  const form = useFocusOnFault(faults)
  useSaveKey(onSave)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    onSave()
  }
  const { default: model, allow_override: free } = draft.model
  return (
    <form ref={form} className="template-form stack" onSubmit={submit} noValidate>
      <Field
        label="Name"
        error={faults['agentName']}
        hint="What agents made from it are called, unless their claimer says otherwise."
      >
        {(control) => (
          <input
            {...control}
            dir="auto"
            autoComplete="off"
            value={draft.agentName}
            onChange={(event) => change({ agentName: event.target.value })}
          />
        )}
      </Field>
      <InstructionsField
        value={draft.instructions}
        fault={faults['instructions']}
        onChange={(instructions) => change({ instructions })}
      />
      <ToolsField draft={draft} faults={faults} onChange={(tools) => change({ tools })} />
      <div className="template-pair">
        <Field
          label="Model"
          error={faults['model.default'] ?? faults['model']}
          hint="By its provider's name. Left empty, agents run with the one that they have anyway."
        >
          {(control) => (
            <input
              {...control}
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              value={model ?? ''}
              onChange={({ target: { value } }) =>
                change({ model: { default: value === '' ? null : value, allow_override: free } })
              }
            />
          )}
        </Field>
        <label className="check">
          <input
            type="checkbox"
            checked={free}
            onChange={(event) => change({ model: { default: model, allow_override: event.target.checked } })}
          />
          Claimers may choose another model
        </label>
      </div>
      <fieldset className="field">
        <legend>Who may claim it</legend>
        <Segments
          label="Who may claim it"
          value={draft.visibility}
          options={(['private', 'public'] as const).map((value) => ({ value, label: VISIBILITY_WORDS[value].name }))}
          onChange={(visibility) => change({ visibility })}
        />
        <p className="hint">{VISIBILITY_WORDS[draft.visibility].hint}</p>
        {faults['visibility'] && <p className="field-error">{faults['visibility']}</p>}
      </fieldset>
      {children}
    </form>
  )
}

/** Ctrl S and ⌘S save, wherever on the page one is. */
function useSaveKey(onSave: () => void): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.key.toLowerCase() !== 's' || !(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey) return
    event.preventDefault()
    onSave()
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event)
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
}
