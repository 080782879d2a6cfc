import { STATS_WINDOWS, type StatsWindow } from '@convos/pool/contract'
import type { Search } from '../url.ts'

const LABELS: Record<StatsWindow, string> = {
  '1h': '1 hour',
  '6h': '6 hours',
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
}

export const WINDOWS = STATS_WINDOWS.map((value) => ({ value, label: LABELS[value] }))

/** How far back is looked; it lives in the address, as `?window=24h`. */
export const windowFrom = ({ window }: Search): StatsWindow => STATS_WINDOWS.find((one) => one === window) ?? '1h'
