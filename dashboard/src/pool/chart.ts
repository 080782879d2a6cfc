import UPlot from 'uplot'
import type { Supply } from './series.ts'

export interface Chart {
  update(supply: Supply): void
  end(): void
}

const HEIGHT = 180
const TICK_HEIGHT = 9
const FONT = '12px system-ui, sans-serif'

/** Draws the supply line into an element; `onLook` is told the index of what is pointed at. */
export function drawChart(element: HTMLElement, first: Supply, onLook: (index: number | null) => void): Chart {
  let supply = first
  const colour = colours(element)
  const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
  const date = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' })
  const stepped = UPlot.paths.stepped ? { paths: UPlot.paths.stepped({ align: 1 }) } : {}
  const dataOf = ({ at, ready, target }: Supply): UPlot.AlignedData => [at, ready, target]
  const isLong = () => (supply.at.at(-1) ?? 0) - (supply.at[0] ?? 0) > 90_000
  const axis = {
    stroke: () => colour('muted'),
    font: FONT,
    grid: { stroke: () => colour('line'), width: 1 },
    ticks: { show: false },
  }

  const chart = new UPlot(
    {
      width: Math.max(1, element.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      scales: { y: { range: (_u, _min, max) => [0, Math.max(2, Math.ceil(Math.max(max, 1) * 1.15))] } },
      axes: [
        {
          ...axis,
          grid: { show: false },
          space: 80,
          size: 28,
          values: (_u, times) => times.map((time) => (isLong() ? date : clock).format(time * 1000)),
        },
        { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      ],
      series: [
        {},
        { stroke: () => colour('ready'), width: 2, points: { show: false }, spanGaps: false },
        { stroke: () => colour('strong'), width: 1.5, dash: [5, 4], points: { show: false }, ...stepped },
      ],
      hooks: {
        drawClear: [(u) => shadeRefills(u, supply, colour('starting'))],
        draw: [(u) => tickClaims(u, supply, { done: colour('accent'), empty: colour('crashed') })],
        setCursor: [(u) => onLook(u.cursor.idx ?? null)],
      },
    },
    dataOf(supply),
    element,
  )

  const fit = new ResizeObserver(() => chart.setSize({ width: Math.max(1, element.clientWidth), height: HEIGHT }))
  fit.observe(element)
  const redraw = () => chart.redraw(false)
  const themed = new MutationObserver(redraw)
  themed.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  const scheme = window.matchMedia('(prefers-color-scheme: dark)')
  scheme.addEventListener('change', redraw)

  return {
    update(next) {
      supply = next
      chart.setData(dataOf(next))
    },
    end() {
      fit.disconnect()
      themed.disconnect()
      scheme.removeEventListener('change', redraw)
      chart.destroy()
    },
  }
}

/** The tokens as a canvas wants them: resolved for the present theme. */
function colours(element: HTMLElement): (token: string) => string {
  const probe = document.createElement('span')
  probe.hidden = true
  element.append(probe)
  return (token) => {
    probe.style.color = `var(--color-${token})`
    return getComputedStyle(probe).color
  }
}

function shadeRefills({ ctx, bbox, valToPos }: UPlot, { refills }: Supply, fill: string): void {
  ctx.save()
  ctx.fillStyle = fill
  ctx.globalAlpha = 0.12
  for (const { from, to } of refills) {
    const left = Math.max(bbox.left, valToPos(from, 'x', true))
    const right = Math.min(bbox.left + bbox.width, valToPos(to, 'x', true))
    ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height)
  }
  ctx.restore()
}

function tickClaims({ ctx, bbox, valToPos }: UPlot, { claims }: Supply, colour: { done: string; empty: string }): void {
  const ratio = window.devicePixelRatio
  const bottom = bbox.top + bbox.height
  ctx.save()
  for (const { at, done, empty } of claims) {
    const x = Math.round(valToPos(at, 'x', true))
    // one more claim is a longer tick, within reason
    const height = TICK_HEIGHT * ratio * Math.min(3, 1 + Math.log2(Math.max(1, done + empty)) / 2)
    ctx.fillStyle = empty > 0 ? colour.empty : colour.done
    ctx.fillRect(x - ratio, bottom - height, 2 * ratio, height)
  }
  ctx.restore()
}
