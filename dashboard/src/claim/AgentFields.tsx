import { DEFAULT_AGENT_NAME, type Template } from '@convos/pool/contract'
import { ByteCounter } from '../ui/ByteCounter.tsx'
import type { Faults } from '../ui/faults.ts'
import { Field } from '../ui/Field.tsx'
import type { Draft } from './draft.ts'

interface AgentFieldsProps {
  draft: Draft
  /** Null: the claimer writes their own. */
  template: Template | null
  faults: Faults
  onChange: (change: Partial<Draft>) => void
}

/** How the agent is called and what it is told; with a template both are given, and may be changed. */
export function AgentFields({ draft, template, faults, onChange }: AgentFieldsProps) {
  const instructions = (
    <Field
      label="Instructions"
      error={faults['instructions']}
      hint={
        <>
          <span>
            {template ? 'Left empty, it is told what its template says.' : 'Left empty, it is a brief and friendly helper.'}
          </span>
          <ByteCounter text={draft.instructions} />
        </>
      }
    >
      {(control) => (
        <textarea
          {...control}
          dir="auto"
          rows={5}
          value={draft.instructions}
          onChange={(event) => onChange({ instructions: event.target.value })}
        />
      )}
    </Field>
  )
  return (
    <>
      <Field
        label="Agent name"
        error={faults['agentName']}
        hint={`Left empty, it is called ${template?.agentName ?? DEFAULT_AGENT_NAME}.`}
      >
        {(control) => (
          <input
            {...control}
            dir="auto"
            autoComplete="off"
            value={draft.agentName}
            onChange={(event) => onChange({ agentName: event.target.value })}
          />
        )}
      </Field>
      {template ? (
        <details className="disclosure" open={faults['instructions'] !== undefined || draft.instructions !== '' || undefined}>
          <summary>What it is told</summary>
          <div className="stack">
            <blockquote dir="auto" className="told">
              {template.instructions}
            </blockquote>
            {instructions}
          </div>
        </details>
      ) : (
        instructions
      )}
    </>
  )
}
