import type { Stats, StatsPoint, StatsWindow } from '@convos/pool/contract'
import { useQuery } from '@tanstack/react-query'
import { formatDuration, formatNumber, plural } from '../ui/format.ts'
import { statsQuery } from './queries.ts'
import { figuresOf, sparkPath } from './series.ts'
import { latencyWords, rateWords } from './words.ts'

const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })

/** How claims and refills went in the window. */
export function FigureCards({ window }: { window: StatsWindow }) {
  const { data } = useQuery(statsQuery(window))
  return (
    <section className="figures" aria-label="Figures" aria-busy={data === undefined}>
      {cardsOf(data).map((card) => (
        <Card key={card.title} {...card} points={data?.points ?? []} />
      ))}
    </section>
  )
}

interface CardParts {
  title: string
  value: string
  hint: string
  of: (point: StatsPoint) => number | null
  isBad?: boolean
}

function cardsOf(stats: Stats | undefined): CardParts[] {
  const figures = stats && figuresOf(stats)
  const { claims, creations } = figures ?? { claims: { done: 0, failed: 0, empty: 0 }, creations: { ready: 0, failed: 0 } }
  const time = (ms: number | null | undefined) => (ms === null || ms === undefined ? '–' : formatDuration(ms))
  const errors = claims.failed + claims.empty + creations.failed
  const noClaims = stats ? 'No claims yet.' : ''
  return [
    {
      title: 'Claim latency',
      value: time(figures?.p50Ms),
      hint: claims.done === 0 || !stats || !figures ? noClaims : latencyWords(stats, figures),
      of: ({ claims: then }) => then?.p50Ms ?? null,
    },
    {
      title: 'Hit ratio',
      value: figures?.hitRatio === null || !figures ? '–' : percent.format(figures.hitRatio),
      hint:
        claims.done === 0 || !stats
          ? noClaims
          : `of ${plural(claims.done, 'claim')} got an agent without waiting; ${rateWords(claims.done, stats)}`,
      of: ({ claims: then }) => (then && then.done > 0 ? then.hit / then.done : null),
    },
    {
      title: 'Refill time',
      value: time(figures?.warmUpMs),
      hint:
        creations.ready === 0
          ? stats
            ? 'No instance became ready.'
            : ''
          : `from begun to ready, ${plural(creations.ready, 'instance')}`,
      of: ({ creations: then }) => then?.warmUpMs ?? null,
    },
    {
      title: 'Errors',
      value: stats ? formatNumber(errors) : '–',
      hint: stats
        ? `${plural(claims.failed, 'claim')} failed, ${formatNumber(claims.empty)} found it empty, ${plural(creations.failed, 'creation')} failed`
        : '',
      of: ({ claims: one, creations: two }) => (one || two ? (one?.failed ?? 0) + (one?.empty ?? 0) + (two?.failed ?? 0) : null),
      isBad: errors > 0,
    },
  ]
}

const SPARK = { width: 160, height: 28 }

const Card = ({ title, value, hint, of, isBad = false, points }: CardParts & { points: readonly StatsPoint[] }) => (
  <div className="figure panel">
    <h2 className="figure-title">{title}</h2>
    <p className={isBad ? 'figure-value bad' : 'figure-value'}>{value}</p>
    <svg className="spark" viewBox={`0 -2 ${SPARK.width} ${SPARK.height + 4}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={sparkPath(points.map(of), SPARK.width, SPARK.height)} />
    </svg>
    <p className="hint">{hint}</p>
  </div>
)
