import { useEffect, useRef, useState } from 'react'
import type { Chart } from './chart.ts'
import type { Supply } from './series.ts'
import { supplyWords } from './words.ts'

const HINT = 'Point at the line, or touch it, to read a minute.'

/** Ready against target as a line; what draws it is loaded once it is needed. The table beside it says the same. */
export function SupplyChart({ supply }: { supply: Supply }) {
  const place = useRef<HTMLDivElement>(null)
  const latest = useRef(supply)
  const chart = useRef<Chart | null>(null)
  const [failed, setFailed] = useState(false)
  const [at, setAt] = useState<number | null>(null)

  useEffect(() => {
    latest.current = supply
    chart.current?.update(supply)
  }, [supply])

  useEffect(() => {
    const element = place.current
    let isGone = false
    const draw = async () => {
      const { drawChart } = await import('./chart.ts')
      if (!isGone && element) chart.current = drawChart(element, latest.current, setAt)
    }
    draw().catch(() => setFailed(true))
    return () => {
      isGone = true
      chart.current?.end()
      chart.current = null
    }
  }, [])

  return (
    <figure className="supply-chart" aria-label="Ready instances against the target">
      <div ref={place} className="supply-canvas" aria-hidden="true">
        {failed && <p className="hint">The chart could not be loaded; the table below says the same.</p>}
      </div>
      <figcaption className="supply-caption">
        <ul className="supply-keys">
          <li className="key-ready">ready</li>
          <li className="key-target">target</li>
          <li className="key-claim">claims</li>
          <li className="key-empty">found it empty</li>
          <li className="key-refill">refill</li>
        </ul>
        <span className="hint">{at === null ? HINT : supplyWords(supply, at)}</span>
      </figcaption>
    </figure>
  )
}
