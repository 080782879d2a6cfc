import { HttpError, requestJson } from '@convos/kit'
import { z } from 'zod'
import { mapAtMost } from '../concurrency.ts'
import type { Context } from '../context.ts'
import { ALERT_CODES, type AlertCode, type AlertNotice, type Provider } from '../contract/index.ts'
import { fireAlerts, type Notice, noteTold, readWatchedFacts, resolveAlerts, seeAlerts, takeNotices } from '../db/alerts.ts'
import { beat } from '../db/heartbeats.ts'
import { listImages, readWanted } from '../db/images.ts'
import { readSettings } from '../db/settings.ts'
import { breakerOf, chooseImages } from '../supply/images.ts'
import { readHeld } from '../supply/refill.ts'
import { type AlertFacts, alertsOf, unknownOf } from './rules.ts'

const NOTICES_AT_ONCE = 20

/**
 * Looks at what may be wrong, and carries each alert on: seen, firing once it has held for long enough, resolved. Safe to run
 * twice and on several replicas: each step is taken by one of them, which logs it.
 */
export async function evaluateAlerts(ctx: Context): Promise<void> {
  const { db, limits, log } = ctx
  const { facts, now } = await gatherFacts(ctx)
  const found = alertsOf(facts, now, limits)
  await seeAlerts(db, { found, gapMs: limits.alertGapMs })
  const held = found.map(({ code }) => ({ code, holdMs: code === 'POOL_EMPTY' ? limits.poolEmptyMs : limits.alertHoldMs }))
  for (const { code, detail, since } of await fireAlerts(db, held)) log.error({ alert: code, since }, `alert: ${detail}`)
  const stay = new Set<AlertCode>([...found.map(({ code }) => code), ...unknownOf(facts)])
  const over = await resolveAlerts(
    db,
    ALERT_CODES.filter((code) => !stay.has(code)),
  )
  for (const { code, since } of over) log.info({ alert: code, since }, 'alert is over')
}

async function gatherFacts(ctx: Context): Promise<{ facts: AlertFacts; now: Date }> {
  const { config, db, services } = ctx
  // asked first: an answer, or none, is a fact by itself
  const providers: Provider[] | null = await services.providers().catch(() => null)
  if (services.answeredAgoMs < Infinity) await beat(db, { name: 'services', agoMs: services.answeredAgoMs })
  const [known, held, images, wanted, { minIdle }] = await Promise.all([
    readWatchedFacts(db),
    readHeld(ctx),
    listImages(db),
    readWanted(db),
    readSettings(db),
  ])
  // the others are not tried any more, so that their breakers would stay as they are
  const inUse = chooseImages({ wanted, images, startingOn: new Map(), now: known.now }).map(({ image }) => image)
  const facts = {
    target: minIdle,
    ready: known.ready,
    breakers: images
      .filter((image) => inUse.includes(image.image) && breakerOf(image, known.now) !== 'closed')
      .map(({ image, failures }) => ({ image, failures })),
    cap: held?.code === 'MAX_TOTAL' ? held.reason : null,
    tickedAt: known.ticked_at,
    tickIntervalMs: config.tickIntervalMs,
    deleting: { count: known.deleting, oldestSince: known.oldest_deleting },
    servicesAnsweredAt: known.services_answered_at,
    providers,
  }
  return { facts, now: known.now }
}

/**
 * Sends the notices that are due, one of each alert; what is not delivered is sent again. Each is taken under a lease, so that
 * one replica sends it; stopping waits for the answer, or it would be sent twice. Without a webhook there is nobody to tell.
 */
export async function tellAlerts(ctx: Context): Promise<void> {
  const { config, db, limits } = ctx
  const notices = await takeNotices(db, { limit: NOTICES_AT_ONCE, forMs: limits.noticeLeaseMs })
  await mapAtMost(NOTICES_AT_ONCE, notices, async (notice) => {
    if (config.alertWebhookUrl === null || (await send(ctx, config.alertWebhookUrl, notice))) await noteTold(db, notice)
  })
}

/** False: it is not known to have arrived. */
async function send(ctx: Context, url: string, notice: Notice): Promise<boolean> {
  const { config, limits, log } = ctx
  const json: AlertNotice = {
    code: notice.code,
    state: notice.notice,
    detail: notice.detail,
    since: notice.since.toISOString(),
    environment: config.environment,
    poolUrl: config.publicUrl,
  }
  try {
    await requestJson(url, { method: 'POST', json, timeoutMs: limits.webhookMs, reply: z.unknown() })
    return true
  } catch (err) {
    if (!(err instanceof HttpError)) throw err
    // neither the error nor its text: they name the address, which may be all that it takes to post there
    log.warn({ alert: notice.code, kind: err.kind, status: err.status }, 'an alert could not be delivered; it is tried again')
    return false
  }
}
