import type { RequestHandler } from 'express'
import type { SimClock } from '../core/clock.ts'
import { rateWindow, type Taken } from '../core/rate-window.ts'
import type { Settings } from './settings.ts'

const HOUR_S = 3_600

/** The request limits of a plan, per token: 429 with `Retry-After` beyond them. */
export function requestLimits(clock: SimClock, settings: () => Settings) {
  const hourly = rateWindow(clock, HOUR_S * 1000)
  const secondly = rateWindow(clock, 1_000)

  const limit: RequestHandler = (req, res, next) => {
    const { requestsPerHour, requestsPerSecond } = settings()
    const token = req.get('authorization') ?? ''
    const windows: Taken[] = []
    if (requestsPerHour !== null) {
      res.set('ratelimit-policy', `"default";q=${requestsPerHour};w=${HOUR_S}`)
      windows.push(hourly.take(token, requestsPerHour))
    }
    if (requestsPerSecond !== null) windows.push(secondly.take(token, requestsPerSecond))
    const full = windows.find(({ allowed }) => !allowed)
    if (!full) return next()
    const waitMs = full.resetAt.getTime() - clock.now().getTime()
    res.status(429).set('retry-after', String(Math.ceil(waitMs / 1000)))
    res.json({ data: null })
  }
  const forget = () => {
    hourly.clear()
    secondly.clear()
  }
  return { limit, forget }
}
