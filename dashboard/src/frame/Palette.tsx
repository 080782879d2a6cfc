import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useId, useState } from 'react'
import { statusQuery, templatesQuery } from '../api/queries.ts'
import { useSession } from '../session/session.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { commandsFor, matching } from './commands.ts'

/** Goes anywhere by a few letters. */
export function Palette({ onClose }: { onClose: () => void }) {
  const listId = useId()
  const { role } = useSession()
  const navigate = useNavigate()
  const { data } = useQuery({ ...statusQuery, enabled: role === 'operator' })
  const templates = useQuery(templatesQuery).data?.templates ?? []
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  const found = matching(commandsFor(role, { instances: data?.instances ?? [], templates }), text)
  const at = Math.min(chosen, found.length - 1)

  const run = (index: number) => {
    const command = found[index]
    if (!command) return
    onClose()
    void navigate(command.goTo)
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter') run(at)
    else if (event.key === 'ArrowDown') setChosen((at + 1) % Math.max(1, found.length))
    else if (event.key === 'ArrowUp') setChosen((at + found.length - 1) % Math.max(1, found.length))
    else return
    event.preventDefault()
  }
  return (
    <Dialog title={<span className="visually-hidden">Go to</span>} onClose={onClose} className="palette">
      <input
        role="combobox"
        aria-label="Go to"
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={at >= 0 ? `${listId}-${at}` : undefined}
        placeholder={
          role === 'operator' ? 'A page, a template, or an instance by its name, id or status' : 'A page, or a template'
        }
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setChosen(0)
        }}
        onKeyDown={onKey}
      />
      <ul role="listbox" id={listId} aria-label="What was found" className="palette-list">
        {found.map(({ name, kind }, index) => (
          <li
            key={`${kind} ${name}`}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === at}
            onPointerMove={() => setChosen(index)}
            onClick={() => run(index)}
          >
            <bdi>{name}</bdi> <span className="hint">{kind}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="hint">Nothing is called like that.</p>}
    </Dialog>
  )
}
