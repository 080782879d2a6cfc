import { CSPProvider } from '@base-ui/react/csp-provider'
import { Select as Base } from '@base-ui/react/select'

interface SelectProps<V extends string> {
  label: string
  value: V
  onChange: (value: V) => void
  options: readonly { value: V; label: string }[]
}

/** One of a few values. */
export const Select = <V extends string>({ label, value, onChange, options }: SelectProps<V>) => (
  // the style sheet that it would write into the page is in floating.css
  <CSPProvider disableStyleElements>
    <Base.Root items={options} value={value} onValueChange={(next) => next !== null && onChange(next)}>
      <Base.Trigger className="button select" aria-label={label}>
        <Base.Value />
        <Base.Icon className="select-icon">
          <svg viewBox="0 0 12 12" aria-hidden="true">
            <path className="line" d="m3 4.5 3 3 3-3" />
          </svg>
        </Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className="floating" sideOffset={4} alignItemWithTrigger={false}>
          <Base.Popup className="popup menu base-ui-disable-scrollbar">
            {options.map((option) => (
              <Base.Item key={option.value} value={option.value} className="menu-item">
                <Base.ItemText>{option.label}</Base.ItemText>
                <Base.ItemIndicator className="select-check">✓</Base.ItemIndicator>
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  </CSPProvider>
)
