import { randomBytes, randomUUID } from 'node:crypto'
import { Router } from 'express'
import { z } from 'zod'
import type { SimClock } from '../core/clock.ts'
import { listed } from '../core/staleness.ts'
import { inUse, notFound } from './errors.ts'
import { ORGANIZATION_ID, type Profile } from './model.ts'
import { filtersOf, page } from './query.ts'
import type { TelnyxStore } from './store.ts'

const Destinations = z.array(z.union([z.literal('*'), z.string().regex(/^[A-Z]{2}$/)])).min(1)
const WebhookUrl = z.union([z.url(), z.literal('').transform(() => null)]).nullish()

const CreateProfile = z.object({
  name: z.string().min(1),
  whitelisted_destinations: Destinations,
  enabled: z.boolean().default(true),
  webhook_url: WebhookUrl,
  webhook_failover_url: WebhookUrl,
  webhook_api_version: z.enum(['1', '2', '2010-04-01']).default('2'),
})
const UpdateProfile = z.object({
  name: z.string().min(1).optional(),
  whitelisted_destinations: Destinations.optional(),
  enabled: z.boolean().optional(),
  webhook_url: WebhookUrl,
  webhook_failover_url: WebhookUrl,
})

const ListFilter = z.strictObject({
  name: z.string().optional(),
  'name.eq': z.string().optional(),
  'name.contains': z.string().optional(),
})

/** Messaging profiles: where the texts to their numbers are reported. */
export function profileRoutes({ store, clock }: { store: TelnyxStore; clock: SimClock }): Router {
  const router = Router()
  const profileAt = (id: string) => {
    const profile = store.profile(id)
    if (!profile) throw notFound()
    return profile
  }

  router.post('/messaging_profiles', (req, res) => {
    const { webhook_url = null, webhook_failover_url = null, ...body } = CreateProfile.parse(req.body)
    const at = clock.now().toISOString()
    const v1_secret = randomBytes(18).toString('base64')
    const profile: Profile = {
      id: randomUUID(),
      ...body,
      webhook_url,
      webhook_failover_url,
      v1_secret,
      created_at: at,
      updated_at: at,
    }
    store.addProfile(profile)
    res.json({ data: present(profile) })
  })

  router.get('/messaging_profiles', (req, res) => {
    const filter = ListFilter.parse(filtersOf(req))
    const exact = filter['name.eq'] ?? filter.name
    const fits = ({ name }: Profile) => (exact === undefined || name === exact) && name.includes(filter['name.contains'] ?? '')
    const rows = listed(res, clock, store.profiles().filter(fits).toReversed(), (profile) => profile.created_at)
    res.json(page(req, rows.map(present)))
  })

  router.get('/messaging_profiles/:id', (req, res) => {
    res.json({ data: present(profileAt(req.params.id)) })
  })

  router.patch('/messaging_profiles/:id', (req, res) => {
    const profile = profileAt(req.params.id)
    const changes = Object.entries(UpdateProfile.parse(req.body)).filter(([, value]) => value !== undefined)
    Object.assign(profile, Object.fromEntries(changes), { updated_at: clock.now().toISOString() })
    res.json({ data: present(profile) })
  })

  router.delete('/messaging_profiles/:id', (req, res) => {
    const profile = profileAt(req.params.id)
    if (store.numbers().some((number) => number.messaging_profile_id === profile.id)) {
      throw inUse('Phone numbers belong to this messaging profile.')
    }
    store.removeProfile(profile)
    res.json({ data: present(profile) })
  })

  return router
}

const present = (profile: Profile) => ({ record_type: 'messaging_profile', ...profile, organization_id: ORGANIZATION_ID })
