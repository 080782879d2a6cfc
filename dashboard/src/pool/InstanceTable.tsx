import type { Instance } from '@convos/pool/contract'
import { InstanceRow } from './InstanceRow.tsx'

const COLUMNS = ['Status', 'Agent', 'Id', 'Age', 'Image', 'Address', 'Phase or reason', 'Actions']
const SKELETON_ROWS = [0, 1, 2, 3, 4]

interface InstanceTableProps {
  /** Null until the first answer. */
  instances: readonly Instance[] | null
  onKill: (id: string) => void
}

/** The instances as a table; a row changes in place, and only rows that changed are drawn anew. */
export function InstanceTable({ instances, onKill }: InstanceTableProps) {
  return (
    // it scrolls sideways on small screens, so the keyboard must reach it
    <div className="table-scroll" role="region" aria-label="Instances, scrollable" tabIndex={0}>
      <table className="instances" aria-label="Instances" aria-busy={instances === null}>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {instances?.map((instance) => <InstanceRow key={instance.id} instance={instance} onKill={onKill} />) ?? <Skeleton />}
        </tbody>
      </table>
    </div>
  )
}

/** The same geometry while the first answer is on its way. */
const Skeleton = () =>
  SKELETON_ROWS.map((row) => (
    <tr key={row}>
      {COLUMNS.map((column) => (
        <td key={column}>
          <span className="skeleton" />
        </td>
      ))}
    </tr>
  ))
