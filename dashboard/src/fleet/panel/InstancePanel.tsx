import type { Instance, InstanceEvent } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Problem } from '../../ui/Problem.tsx'
import { SidePanel } from '../../ui/SidePanel.tsx'
import { Skeleton } from '../../ui/Skeleton.tsx'
import { Tabs } from '../../ui/Tabs.tsx'
import { instanceQuery } from '../queries.ts'
import { type FleetView, type Tab, TABS } from '../view.ts'
import { nameOf } from '../words.ts'
import type { Works } from '../works/useWorks.ts'
import { Creation } from './Creation.tsx'
import { Debug } from './Debug.tsx'
import { Gone } from './Gone.tsx'
import { Links } from './Links.tsx'
import { Logs } from './Logs.tsx'
import { PanelHead } from './PanelHead.tsx'
import { Timeline } from './Timeline.tsx'
import { Tools } from './Tools.tsx'

interface InstancePanelProps {
  id: string
  tab: Tab
  show: (change: Partial<FleetView>) => void
  works: Works
}

/** One instance closely. */
export function InstancePanel({ id, tab, show, works }: InstancePanelProps) {
  const { data: instance, error } = useQuery(instanceQuery(id))
  const close = () => show({ open: '', tab: 'timeline' })
  if (error?.status === 404) return <Gone id={id} last={instance} onClose={close} />
  if (!instance) {
    return (
      <SidePanel title={<code>{id}</code>} onClose={close}>
        {error ? <Problem error={error} /> : <Loading />}
      </SidePanel>
    )
  }
  return (
    <SidePanel
      title={<bdi>{nameOf(instance)}</bdi>}
      head={<PanelHead instance={instance} works={works} show={show} />}
      onClose={close}
    >
      {error && <Problem error={error} />}
      <Tabs
        label="About it"
        value={tab}
        onChange={(next) => show({ tab: next })}
        tabs={TABS.map((value) => ({ value, label: LABELS[value], panel: () => panelOf(value, instance, show) }))}
      />
    </SidePanel>
  )
}

const LABELS: Record<Tab, string> = {
  timeline: 'Timeline',
  creation: 'Creation',
  tools: 'Tools',
  links: 'Links',
  logs: 'Logs',
  debug: 'Debug',
}

function panelOf(tab: Tab, instance: Instance & { events: InstanceEvent[] }, show: InstancePanelProps['show']): ReactNode {
  const { id, events } = instance
  const panels: Record<Tab, ReactNode> = {
    timeline: <Timeline events={events} />,
    creation: <Creation instance={instance} />,
    tools: <Tools instance={instance} />,
    links: <Links instance={instance} show={show} />,
    logs: <Logs key={id} id={id} />,
    debug: <Debug key={id} id={id} />,
  }
  return panels[tab]
}

const Loading = () => (
  <div className="panel-loading" aria-busy="true">
    {[0, 1, 2, 3, 4, 5].map((line) => (
      <Skeleton key={line} />
    ))}
  </div>
)
