import { z } from 'zod'
import { AgentName, Instructions, Model, ToolId } from './claim.ts'
import type { Role } from './session.ts'

const printed = z.iso.datetime()

const Visibility = z.enum(['private', 'public'])

/** A tool's mode in a template: `pool` is made by us at the claim, for `user` the claimer brings credentials. */
export const TemplateTool = z.object({ id: z.string(), provisioning: z.enum(['pool', 'user']) })
export type TemplateTool = z.infer<typeof TemplateTool>

/** Body of `POST /api/templates`. */
export const TemplateRequest = z.strictObject({
  agentName: AgentName,
  instructions: Instructions,
  /** Null: the model that instances run with unless told otherwise. */
  model: z
    .strictObject({ default: Model.nullable().default(null), allow_override: z.boolean().default(true) })
    .default({ default: null, allow_override: true }),
  tools: z
    .array(TemplateTool.extend({ id: ToolId }).strict())
    .max(16)
    .refine((tools) => new Set(tools.map((tool) => tool.id)).size === tools.length, 'must not name a tool twice')
    .default([]),
  visibility: Visibility.default('private'),
})
export type TemplateRequest = z.infer<typeof TemplateRequest>

/** Body of `PUT /api/templates/:id`: all of it anew. With `version`, only while that still is the present one. */
export const TemplateUpdate = TemplateRequest.extend({ version: z.int().min(1).optional() })

const content = {
  agentName: z.string(),
  instructions: z.string(),
  model: z.object({ default: z.string().nullable(), allow_override: z.boolean() }),
  tools: z.array(TemplateTool),
  visibility: Visibility,
  version: z.int(),
}

export const Template = z.object({ id: z.string(), creatorId: z.string(), ...content, createdAt: printed, updatedAt: printed })
export type Template = z.infer<typeof Template>

type Owned = { creatorId: string; visibility: z.infer<typeof Visibility> }
type Caller = { principal: string; role: Role }

/** Whose it is, and operators. */
export const mayChangeTemplate = ({ creatorId }: Pick<Owned, 'creatorId'>, { principal, role }: Caller): boolean =>
  role === 'operator' || creatorId === principal

/** Agents are made from public ones and one's own: not even operators make them from what someone else keeps private. */
export const mayUseTemplate = ({ creatorId, visibility }: Owned, { principal }: Pick<Caller, 'principal'>): boolean =>
  visibility === 'public' || creatorId === principal

/** `GET /api/templates`: newest first, at most 200. */
export const Templates = z.object({ templates: z.array(Template), truncated: z.boolean() })

/** `GET /api/templates/:id/versions`: newest first, at most 200; of someone else's only those that were public. */
export const TemplateVersion = z.object({ ...content, author: z.string(), createdAt: printed })
export type TemplateVersion = z.infer<typeof TemplateVersion>
export const TemplateVersions = z.object({ versions: z.array(TemplateVersion), truncated: z.boolean() })

/** `GET /api/tools`: what services offers; `userConfig` is the JSON Schema of what a claimer must bring, null when nothing. */
export const OfferedTool = z.object({
  toolId: z.string(),
  name: z.string(),
  provisioning: z.array(z.enum(['always', 'pool', 'user'])),
  available: z.boolean(),
  userConfig: z.record(z.string(), z.unknown()).nullable(),
})
export type OfferedTool = z.infer<typeof OfferedTool>
export const OfferedTools = z.object({ tools: z.array(OfferedTool) })
