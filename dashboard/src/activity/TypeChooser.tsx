import { Popover } from '../ui/Popover.tsx'
import { GROUP_NAMES, GROUPS, typeName } from './types.ts'
import type { ShownView } from './view.ts'

interface TypeGroup {
  name: string
  members: readonly string[]
}

/** Single types of events, by their group; one that only the address knows stands at the end. */
export const TypeChooser = ({ view: { types }, show }: ShownView) => {
  const known = GROUP_NAMES.flatMap((group): readonly string[] => GROUPS[group])
  const others = types.filter((type) => !known.includes(type))
  const groups = [
    ...GROUP_NAMES.map((name): TypeGroup => ({ name, members: GROUPS[name] })),
    ...(others.length > 0 ? [{ name: 'Others', members: others }] : []),
  ]
  const toggle = (type: string) => show({ types: types.includes(type) ? types.filter((one) => one !== type) : [...types, type] })
  return (
    <Popover label={types.length === 0 ? 'Types' : `Types (${types.length})`} title="Types of events" className="chip">
      <div className="type-groups" tabIndex={0} role="group" aria-label="Types">
        {groups.map(({ name, members }) => (
          <fieldset key={name}>
            <legend>{name}</legend>
            {members.map((type) => (
              <label key={type} className="check">
                <input type="checkbox" checked={types.includes(type)} onChange={() => toggle(type)} /> {typeName(type)}
              </label>
            ))}
          </fieldset>
        ))}
      </div>
    </Popover>
  )
}
