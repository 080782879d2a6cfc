import type { Queryable } from '@convos/kit'
import type { ToolState } from '@convos/services/contract'
import type { TemplateRequest, TemplateTool } from '../contract/template.ts'
import type { Owned } from './owned.ts'
import type { Override } from './sync.ts'

export interface TemplateContent {
  agent_name: string
  instructions: string
  model: { default: string | null; allow_override: boolean }
  tools: TemplateTool[]
  visibility: 'private' | 'public'
  version: number
}

export interface TemplateRow extends TemplateContent {
  id: string
  creator_id: string
  created_at: Date
  updated_at: Date
  deleted_at: Date | null
}

export interface VersionRow extends TemplateContent {
  author: string
  created_at: Date
}

const COLUMNS = 'id, creator_id, agent_name, instructions, model, tools, visibility, version, created_at, updated_at, deleted_at'

/** Newest first: all of them, or the public ones and those of `viewer`. */
export async function listTemplates(
  db: Queryable,
  p: { all: boolean; viewer: string | null; limit: number },
): Promise<TemplateRow[]> {
  const { rows } = await db.query<TemplateRow>({
    name: 'list_templates',
    values: [p.all, p.viewer, p.limit],
    text: `
      select ${COLUMNS} from agent_templates
      where deleted_at is null and ($1 or visibility = 'public' or creator_id = $2)
      order by created_at desc, id limit $3`,
  })
  return rows
}

/** One template, deleted or not. */
export async function readTemplate(db: Queryable, id: string): Promise<TemplateRow | null> {
  const { rows } = await db.query<TemplateRow>({
    name: 'read_template',
    values: [id],
    text: `select ${COLUMNS} from agent_templates where id = $1`,
  })
  return rows[0] ?? null
}

/** Newest first; where `publicOnly`, those that everybody could see when they were made. */
export async function listVersions(db: Queryable, p: { id: string; publicOnly: boolean; limit: number }): Promise<VersionRow[]> {
  const { rows } = await db.query<VersionRow>({
    name: 'list_template_versions',
    values: [p.id, p.publicOnly, p.limit],
    text: `
      select version, author, agent_name, instructions, model, tools, visibility, created_at
      from template_versions where template_id = $1 and (not $2 or visibility = 'public')
      order by version desc limit $3`,
  })
  return rows
}

const contentOf = ({ agentName, instructions, model, tools, visibility }: TemplateRequest) => [
  agentName,
  instructions,
  JSON.stringify(model),
  JSON.stringify(tools),
  visibility,
]

/** A new template and its first version. */
export async function insertTemplate(
  db: Queryable,
  p: { id: string; creator: string; content: TemplateRequest },
): Promise<TemplateRow | null> {
  const { rows } = await db.query<TemplateRow>({
    name: 'insert_template',
    values: [p.id, p.creator, ...contentOf(p.content)],
    text: `
      with made as (
        insert into agent_templates (id, creator_id, agent_name, instructions, model, tools, visibility)
        values ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7) returning ${COLUMNS}
      ), noted as (
        insert into template_versions (template_id, version, author, agent_name, instructions, model, tools, visibility)
        select id, version, creator_id, agent_name, instructions, model, tools, visibility from made
      )
      select ${COLUMNS} from made`,
  })
  return rows[0] ?? null
}

/** The next version; null when the template is deleted, or no more at the version that was `seen`. */
export async function updateTemplate(
  db: Queryable,
  p: { id: string; seen: number | null; author: string; content: TemplateRequest },
): Promise<TemplateRow | null> {
  const { rows } = await db.query<TemplateRow>({
    name: 'update_template',
    values: [p.id, p.author, ...contentOf(p.content), p.seen],
    text: `
      with changed as (
        update agent_templates set agent_name = $3, instructions = $4, model = $5::jsonb, tools = $6::jsonb, visibility = $7,
          version = version + 1, updated_at = clock_now()
        where id = $1 and deleted_at is null and ($8::int is null or version = $8)
        returning ${COLUMNS}
      ), noted as (
        insert into template_versions (template_id, version, author, agent_name, instructions, model, tools, visibility)
        select id, version, $2, agent_name, instructions, model, tools, visibility from changed
      )
      select ${COLUMNS} from changed`,
  })
  return rows[0] ?? null
}

/** Takes a template out of use; agents made from it stay as they are. */
export async function deleteTemplate(db: Queryable, id: string): Promise<void> {
  await db.query({
    name: 'delete_template',
    values: [id],
    text: 'update agent_templates set deleted_at = coalesce(deleted_at, clock_now()) where id = $1',
  })
}

/** What an agent is made from: a template as of when it was claimed, another agent, or both. */
export interface Origin {
  template: { templateId: string; version: number } | null
  /** What its claimer chose otherwise than the template; null: not known. */
  overrides: readonly Override[] | null
  parentInstance: string | null
}

export async function recordClaimOrigin(db: Queryable, p: Origin & { claimId: string }): Promise<void> {
  await db.query({
    name: 'record_claim_origin',
    values: [p.claimId, p.template?.templateId ?? null, p.template?.version ?? null, p.overrides, p.parentInstance],
    text: `
      update claims set template_id = $2, template_version = $3, overrides = $4::text[], parent_instance = $5 where id = $1`,
  })
}

/** What a touched box is made from, and the tools it was given; they show before the next look at it. */
export async function recordBoxTemplate(
  db: Queryable,
  p: Owned & Pick<Origin, 'template'> & { tools: readonly ToolState[] },
): Promise<void> {
  await db.query({
    name: 'record_box_template',
    values: [p.instanceId, p.claimId, p.template?.templateId ?? null, p.template?.version ?? null, JSON.stringify(p.tools)],
    text: `
      update instances i set template_id = $3, template_version = $4,
        tools = $5::jsonb || coalesce((
          select jsonb_agg(had) from jsonb_array_elements(i.tools) had
          where not exists (select 1 from jsonb_array_elements($5::jsonb) given where given ->> 'toolId' = had ->> 'toolId')
        ), '[]')
      where id = $1 and claim_id = $2 and touched_at is not null`,
  })
}
