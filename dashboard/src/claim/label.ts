import { formatAge, formatNumber, plural } from '../ui/format.ts'

interface Supply {
  /** How many agents are ready; undefined while unknown. */
  ready: number | undefined
  /** What pool said last of a wait, if it did. */
  etaSeconds: number | null
  queueDepth: number | null
}

/** The button tells the truth about what pressing it does now. */
export function claimLabel({ ready, etaSeconds, queueDepth }: Supply): string {
  if (ready === undefined) return 'Claim agent'
  if (ready > 0) return `Claim agent — ${formatNumber(ready)} ready`
  const wait = etaSeconds === null ? '' : `, about ${formatAge(etaSeconds * 1000)}`
  return `Wait for an agent${wait}${queueDepth ? `, ${formatNumber(queueDepth)} ahead of you` : ''}`
}

/** What waiting means, while nobody is ready. */
export const waitHint = (starting: number): string =>
  `None is ready now${starting > 0 ? `; ${plural(starting, 'agent')} ${starting === 1 ? 'is' : 'are'} starting` : ''}. The next one is yours; waiting lasts a minute at most.`
