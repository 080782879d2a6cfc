import type { Instance, InstanceSort } from '@convos/pool/contract'
import { createColumnHelper, rowSelectionFeature, tableFeatures } from '@tanstack/react-table'
import type { ReactNode } from 'react'
import { Age } from '../ui/Age.tsx'
import { formatMoment, shortDigest } from '../ui/format.ts'
import { StatusMark } from '../ui/StatusMark.tsx'
import { titled } from '../ui/titled.ts'
import { TemplateName } from './TemplateName.tsx'
import type { Column } from './view.ts'
import { healthOf, latestOf, nameOf } from './words.ts'

export const features = tableFeatures({ rowSelectionFeature })
const column = createColumnHelper<typeof features, Instance>()

interface ColumnEntry {
  label: string
  /** Of the table's width; the rest goes to those without. */
  width?: string
  sort?: InstanceSort
  /** Shown the other way round than it is sorted: the oldest was created first. */
  inverted?: boolean
  number?: boolean
  cell: (instance: Instance) => ReactNode
}

const None = () => <span className="none">–</span>
const orNone = (text: string | null, show: (text: string) => ReactNode): ReactNode => (text === null ? <None /> : show(text))

/**
 * Opens the panel; it is what the keyboard walks through. The table takes the press: a link of the router in every row makes
 * scrolling slow.
 */
const Name = ({ instance }: { instance: Instance }) => (
  <a href={`/instances?open=${encodeURIComponent(instance.id)}`} className="row-link" data-row={instance.id}>
    <bdi>{nameOf(instance)}</bdi>
    {instance.agentName !== null && <code className="row-id">{instance.id}</code>}
    {instance.protected && <span className="row-flag">protected</span>}
  </a>
)

const Status = ({ instance: { status } }: { instance: Instance }) => (
  <span className={`status status-${status}`}>
    <StatusMark status={status} /> {status}
  </span>
)

function Health({ instance }: { instance: Instance }) {
  const health = healthOf(instance)
  const probedAt = instance.health?.at
  if (!health || probedAt === undefined) return <None />
  return (
    <span className={health.good ? '' : 'bad'} {...titled(() => `Probed ${formatMoment(Date.parse(probedAt))}`)}>
      {health.word}
    </span>
  )
}

function Latest({ instance }: { instance: Instance }) {
  const { what, at } = latestOf(instance)
  return (
    <span title={what}>
      {what} {at !== null && <span className="muted">{<Age since={at} />}</span>}
    </span>
  )
}

/** What each column is called, how it sorts, and what it shows. */
export const COLUMN: Record<Column, ColumnEntry> = {
  status: { label: 'Status', width: '7.25rem', sort: 'status', cell: (instance) => <Status instance={instance} /> },
  name: { label: 'Name', sort: 'agentName', cell: (instance) => <Name instance={instance} /> },
  template: {
    label: 'Template',
    width: '9rem',
    cell: ({ templateId }) => orNone(templateId, (id) => <TemplateName id={id} />),
  },
  owner: {
    label: 'Owner',
    width: '9rem',
    cell: ({ ownerId, ownerAddress }) =>
      orNone(ownerId ?? ownerAddress, (owner) => <bdi title={ownerAddress ?? owner}>{owner}</bdi>),
  },
  image: {
    label: 'Image',
    width: '8.5rem',
    cell: ({ image }) => orNone(image, (name) => <code title={name}>{shortDigest(name)}</code>),
  },
  age: {
    label: 'Age',
    width: '4.75rem',
    sort: 'createdAt',
    inverted: true,
    number: true,
    cell: ({ createdAt }) => <Age since={createdAt} />,
  },
  health: { label: 'Health', width: '6rem', cell: (instance) => <Health instance={instance} /> },
  event: { label: 'Last event', width: '13rem', cell: (instance) => <Latest instance={instance} /> },
  id: { label: 'Id', width: '8.75rem', cell: ({ id }) => <code>{id}</code> },
  model: { label: 'Model', width: '10rem', cell: ({ model }) => orNone(model, (name) => <span title={name}>{name}</span>) },
  activity: {
    label: 'Last active',
    width: '6.5rem',
    sort: 'lastActivityAt',
    inverted: true,
    number: true,
    cell: ({ lastActivityAt }) => orNone(lastActivityAt, (at) => <Age since={at} />),
  },
  expires: {
    label: 'Ends',
    width: '8rem',
    cell: ({ expiresAt }) =>
      orNone(expiresAt, (at) => (
        <time dateTime={at} {...titled(() => formatMoment(Date.parse(at)))}>
          {new Date(at).toLocaleDateString()}
        </time>
      )),
  },
}

/** On a phone a row is two lines, and nothing else. */
const phone = column.display({
  id: 'phone',
  cell: ({ row: { original: instance } }) => (
    <span className="phone-row">
      <Name instance={instance} />
      <span className="phone-line">
        <Status instance={instance} /> <Latest instance={instance} />
      </span>
    </span>
  ),
})

const all = new Map(
  (Object.keys(COLUMN) as Column[]).map((id) => [id, column.display({ id, cell: ({ row }) => COLUMN[id].cell(row.original) })]),
)

/** Columns of the table, in the order in which they were chosen. */
export const columnsFor = (chosen: readonly Column[], narrow: boolean) =>
  narrow ? [phone] : chosen.flatMap((id) => all.get(id) ?? [])
