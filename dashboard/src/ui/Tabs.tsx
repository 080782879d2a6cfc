import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'

interface TabsProps<V extends string> {
  label: string
  value: V
  onChange: (value: V) => void
  tabs: readonly { value: V; label: ReactNode; panel: () => ReactNode }[]
}

/** One of several panels; only the chosen one is rendered. */
export const Tabs = <V extends string>({ label, value, onChange, tabs }: TabsProps<V>) => (
  <Base.Root className="tabs" value={value} onValueChange={(next) => onChange(next as V)}>
    <Base.List className="tab-list" aria-label={label}>
      {tabs.map((tab) => (
        <Base.Tab key={tab.value} value={tab.value} className="tab">
          {tab.label}
        </Base.Tab>
      ))}
    </Base.List>
    {tabs.map((tab) => (
      <Base.Panel key={tab.value} value={tab.value} className="tab-panel">
        {tab.value === value && tab.panel()}
      </Base.Panel>
    ))}
  </Base.Root>
)
