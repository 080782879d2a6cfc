import { Field } from '../ui/Field.tsx'
import type { CredentialField, ToolAsked } from './credentials.ts'
import type { Faults } from '../ui/faults.ts'

interface ToolFormProps {
  tool: ToolAsked
  typed: Record<string, string>
  faults: Faults
  onChange: (name: string, value: string) => void
}

/** What the claimer brings for one tool, as its own schema asks. */
export const ToolForm = ({ tool: { toolId, name, fields }, typed, faults, onChange }: ToolFormProps) => (
  <fieldset className="tool-form stack">
    <legend>Your {name} account</legend>
    <p className="hint">
      The agent works with it in your name. What you fill in goes to {name} and to the agent, and is kept nowhere else.
    </p>
    {fields === null && (
      <p className="notice">This form cannot ask for what {name} needs. Claim this template over the API instead.</p>
    )}
    {faults[`userConfig.${toolId}`] && <p className="field-error">{faults[`userConfig.${toolId}`]}</p>}
    {fields?.map((field) => (
      <Field
        key={field.name}
        label={field.required ? field.label : `${field.label} (optional)`}
        hint={field.hint}
        error={faults[`userConfig.${toolId}.${field.name}`]}
      >
        {(control) => (
          <Control
            control={control}
            field={field}
            value={typed[field.name] ?? ''}
            onChange={(value) => onChange(field.name, value)}
          />
        )}
      </Field>
    ))}
  </fieldset>
)

interface ControlProps {
  control: Parameters<Parameters<typeof Field>[0]['children']>[0]
  field: CredentialField
  value: string
  onChange: (value: string) => void
}

function Control({ control, field: { kind, choices, secret, required }, value, onChange }: ControlProps) {
  if (kind === 'boolean') {
    return (
      <input
        {...control}
        type="checkbox"
        checked={value === 'true'}
        onChange={(event) => onChange(String(event.target.checked))}
      />
    )
  }
  if (kind === 'choice') {
    return (
      <select {...control} value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">–</option>
        {choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    )
  }
  return (
    <input
      {...control}
      className={secret ? 'masked' : undefined}
      inputMode={kind === 'number' ? 'decimal' : 'text'}
      required={required}
      autoComplete="off"
      autoCapitalize="off"
      spellCheck={false}
      maxLength={4096}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  )
}
