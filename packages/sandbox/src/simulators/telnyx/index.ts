import express, { type RequestHandler, Router } from 'express'
import { rateWindow } from '../core/rate-window.ts'
import { instanceIdInMarker, type SimContext, type Simulator } from '../core/simulator.ts'
import { controlRoutes } from './control.ts'
import { answerError, authenticationFailed, notFound, tooManyRequests } from './errors.ts'
import { marketRoutes } from './market.ts'
import { createTraffic, messageRoutes } from './messages.ts'
import { numberRoutes } from './numbers.ts'
import { orderRoutes, statusOf } from './orders.ts'
import { profileRoutes } from './profiles.ts'
import { createTelnyxStore } from './store.ts'
import { createWebhooks } from './webhooks.ts'

/**
 * Telnyx: a market of phone numbers, the numbers that we own, messaging profiles, and texts with their webhooks.
 * Without `apiKey`, any bearer passes.
 */
export function createTelnyx(ctx: SimContext, options: { apiKey?: string } = {}): Simulator {
  const { clock } = ctx
  const store = createTelnyxStore()
  const fault = (eventType: string) => {
    const [struck] = ctx.striking('webhook', { provider: 'telnyx', at: 'webhook', names: [eventType] })
    return struck?.effect.how ?? null
  }
  const webhooks = createWebhooks({ clock, signingKey: store.signingKey, fault })
  const traffic = createTraffic({ store, clock, webhooks })
  const requests = rateWindow(clock, 60_000)

  const authenticate: RequestHandler = (req, _res, next) => {
    const bearer = /^Bearer (\S+)$/i.exec(req.get('authorization') ?? '')?.[1]
    if (!bearer || (options.apiKey !== undefined && bearer !== options.apiKey)) throw authenticationFailed()
    next()
  }
  const limitRate: RequestHandler = (_req, res, next) => {
    const limit = store.settings().requestsPerMinute
    const { allowed, used, resetAt } = requests.take('account', limit)
    res.set({
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(limit - used),
      'x-ratelimit-reset': String(Math.ceil((resetAt.getTime() - clock.now().getTime()) / 1000)),
    })
    if (!allowed) throw tooManyRequests()
    next()
  }

  const router = Router()
  router.use(authenticate, limitRate, express.json({ limit: '1mb' }))
  router.use(marketRoutes(store), orderRoutes({ store, clock }), numberRoutes({ store, clock }))
  router.use(profileRoutes({ store, clock }), messageRoutes(store, traffic))
  router.use(() => {
    throw notFound()
  })
  router.use(answerError)

  return {
    name: 'telnyx',
    prefix: '/telnyx/v2',
    router,
    control: controlRoutes(store, traffic),
    resources: () => ({
      numbers: store.numbers().map((number) => ({
        id: number.id,
        name: number.phone_number,
        instanceId: instanceOf([number.customer_reference, ...number.tags]),
        createdAt: number.created_at,
        messagingProfileId: number.messaging_profile_id,
      })),
      orders: store.orders().map((order) => ({
        id: order.id,
        name: order.customer_reference,
        instanceId: instanceOf([order.customer_reference]),
        createdAt: order.created_at,
        status: statusOf(order, clock.now()),
      })),
      profiles: store.profiles().map(({ id, name, created_at }) => ({
        id,
        name,
        instanceId: instanceIdInMarker(name),
        createdAt: created_at,
      })),
    }),
    dump: () => store.dump(),
    load: (state) => store.load(state),
    reset() {
      webhooks.clear()
      requests.clear()
      store.reset()
    },
    close: async () => webhooks.clear(),
  }
}

const instanceOf = (texts: (string | null)[]) => texts.map(instanceIdInMarker).find((id) => id !== null) ?? null
