import { useQuery } from '@tanstack/react-query'
import { useId } from 'react'
import { toolsQuery } from '../api/queries.ts'
import type { Faults } from '../ui/faults.ts'
import { Skeleton } from '../ui/Skeleton.tsx'
import type { Draft } from './draft.ts'
import { type Segment, Segments } from './Segments.tsx'
import { alwaysThere, type ToolChoice, toolChoices, withMode } from './tools.ts'
import { MODE_WORDS } from './words.ts'

interface ToolsFieldProps {
  draft: Draft
  faults: Faults
  onChange: (tools: Draft['tools']) => void
}

/** The tools that its agents get, and whose account each of them works with. */
export function ToolsField({ draft, faults, onChange }: ToolsFieldProps) {
  const { data, error } = useQuery(toolsQuery)
  const choices = toolChoices(draft, data?.tools ?? [])
  const always = alwaysThere(data?.tools ?? [])
  return (
    <fieldset className="field">
      <legend>Tools</legend>
      {error && !data && (
        <p className="notice">The tools that there are could not be read. What the template has stays as it is.</p>
      )}
      {data === undefined && !error && <Skeleton className="h-9 w-full" />}
      {faults['tools'] && <p className="field-error">{faults['tools']}</p>}
      {(data || error) && (
        <ul className="tool-choices">
          {choices.map((choice) => (
            <Choice
              key={choice.id}
              choice={choice}
              fault={faults[`tools.${choice.id}`]}
              onChange={(mode) => onChange(withMode(draft.tools, choice.id, mode))}
            />
          ))}
        </ul>
      )}
      {always.length > 0 && <p className="hint">Every agent has {always.join(' and ')} besides.</p>}
    </fieldset>
  )
}

type Mode = ToolChoice['mode']

function Choice({ choice, fault, onChange }: { choice: ToolChoice; fault: string | undefined; onChange: (mode: Mode) => void }) {
  const hintId = useId()
  const { name, mode, modes } = choice
  const segment = (value: 'pool' | 'user'): Segment<'pool' | 'user'>[] => {
    const may = modes[value]
    return may === undefined ? [] : [{ value, label: MODE_WORDS[value].name, unable: may === true ? undefined : may }]
  }
  return (
    <li className="tool-choice">
      <span className="tool-choice-name">{name}</span>
      <Segments
        label={name}
        value={mode ?? 'off'}
        describedBy={hintId}
        invalid={fault !== undefined}
        options={[{ value: 'off', label: 'Off' }, ...segment('pool'), ...segment('user')]}
        onChange={(value) => onChange(value === 'off' ? null : value)}
      />
      <span id={hintId} className="tool-choice-hint">
        {fault !== undefined && <span className="field-error">{fault} </span>}
        <span className="hint">{hintOf(choice)}</span>
      </span>
    </li>
  )
}

function hintOf({ mode, modes, asks }: ToolChoice): string {
  if (mode === 'user' && asks.length > 0) return `The claimer is asked for: ${asks.join(', ')}.`
  const now = mode === null ? true : modes[mode]
  if (typeof now === 'string') return `As it stands, the template cannot be saved or claimed: ${now}.`
  if (mode !== null) return MODE_WORDS[mode].hint
  return typeof modes.pool === 'string' ? `We cannot provide it: ${modes.pool}.` : ''
}
