import { randomInt } from 'node:crypto'
import { Router } from 'express'
import { z } from 'zod'
import type { StockedNumber } from './model.ts'
import { filtersOf } from './query.ts'
import type { TelnyxStore } from './store.ts'

interface Area {
  code: string
  type: 'local' | 'toll_free'
  features: string[]
  state?: string
  city?: string
}

/** Where there are numbers for sale; elsewhere there are none. */
const AREAS: Area[] = [
  { code: '312', type: 'local', features: ['sms', 'mms', 'voice'], state: 'IL', city: 'CHICAGO' },
  { code: '415', type: 'local', features: ['sms', 'mms', 'voice'], state: 'CA', city: 'SAN FRANCISCO' },
  { code: '212', type: 'local', features: ['sms', 'voice'], state: 'NY', city: 'NEW YORK' },
  { code: '888', type: 'toll_free', features: ['sms', 'voice'] },
]

const Flag = z.enum(['true', 'false'])
/** A filter that the simulator does not know would be one that has no effect: it is refused. */
const Search = z.strictObject({
  country_code: z.string().default('US'),
  national_destination_code: z.string().optional(),
  administrative_area: z.string().optional(),
  locality: z.string().optional(),
  phone_number_type: z.enum(['local', 'toll_free', 'mobile', 'national', 'shared_cost']).optional(),
  features: z
    .string()
    .default('')
    .transform((list) => list.split(',').filter(Boolean)),
  limit: z.coerce.number().int().min(1).max(250).default(100),
  'phone_number.starts_with': z.string().optional(),
  'phone_number.ends_with': z.string().optional(),
  'phone_number.contains': z.string().optional(),
  // Every number here is of this kind.
  best_effort: Flag.optional(),
  quickship: Flag.optional(),
  reservable: Flag.optional(),
  exclude_held_numbers: Flag.optional(),
})
type Search = z.infer<typeof Search>

/** Numbers for sale. A search holds none of them: whoever asks is shown the same first ones. */
export function marketRoutes(store: TelnyxStore): Router {
  const router = Router()

  router.get('/available_phone_numbers', (req, res) => {
    const search = Search.parse(filtersOf(req))
    const areas = search.country_code === 'US' ? AREAS.filter((area) => areaFits(area, search)) : []
    for (const area of areas) restock(area)
    const found = areas.flatMap((area) => inArea(area)).filter((number) => numberFits(number, search))
    const shown = found.slice(0, search.limit)
    for (const number of shown) number.shown = true
    const meta = { total_results: shown.length, best_effort_results: 0 }
    res.json({ data: shown.map(present), meta, metadata: meta })
  })

  const inArea = ({ code }: Area) => store.stock().filter(({ areaCode }) => areaCode === code)
  function restock(area: Area) {
    for (let missing = store.settings().stock - inArea(area).length; missing > 0;) {
      const phone_number = `+1${area.code}${randomInt(200, 1_000)}${String(randomInt(10_000)).padStart(4, '0')}`
      if (store.isSold(phone_number) || store.stock().some((each) => each.phone_number === phone_number)) continue
      store.addStock({ phone_number, areaCode: area.code, shown: false })
      missing--
    }
  }

  return router
}

function areaFits(area: Area, search: Search): boolean {
  return (
    (search.national_destination_code === undefined || search.national_destination_code === area.code) &&
    (search.administrative_area === undefined || search.administrative_area.toUpperCase() === area.state) &&
    (search.locality === undefined || search.locality.toUpperCase() === area.city) &&
    (search.phone_number_type === undefined || search.phone_number_type === area.type) &&
    search.features.every((feature) => area.features.includes(feature))
  )
}

function numberFits({ phone_number }: StockedNumber, search: Search): boolean {
  const national = phone_number.slice(2)
  return (
    national.startsWith(search['phone_number.starts_with'] ?? '') &&
    national.endsWith(search['phone_number.ends_with'] ?? '') &&
    national.includes(search['phone_number.contains'] ?? '')
  )
}

function present({ phone_number, areaCode }: StockedNumber) {
  const area = AREAS.find(({ code }) => code === areaCode)
  const region = (region_type: string, region_name: string | undefined) => (region_name ? [{ region_type, region_name }] : [])
  return {
    record_type: 'available_phone_number',
    phone_number,
    vanity_format: '',
    best_effort: false,
    quickship: true,
    reservable: true,
    features: area?.features.map((name) => ({ name })) ?? [],
    cost_information: { currency: 'USD', monthly_cost: '1.00', upfront_cost: '1.00' },
    region_information: [...region('country_code', 'US'), ...region('state', area?.state), ...region('rate_center', area?.city)],
  }
}
