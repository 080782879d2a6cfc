import { z } from 'zod'

/** Whatever it is: an id that nothing has is a 404, not a 400. */
export const ById = z.object({ id: z.string() })
