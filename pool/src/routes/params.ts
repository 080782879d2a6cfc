import { z } from 'zod'
import { ToolId } from '../contract/index.ts'

/** Whatever it is: an id that nothing has is a 404, not a 400. */
export const ById = z.object({ id: z.string() })

export const ByTool = ById.extend({ toolId: ToolId })
