-- Templates: what agents are made from. Expand only: a pool that does not know them reads and writes none of this.

create table agent_templates (
  id text primary key,
  -- the principal that made it; never changes
  creator_id text not null,
  agent_name text not null,
  instructions text not null,
  -- {"default": text | null, "allow_override": boolean}
  model jsonb not null,
  -- [{"id": text, "provisioning": "pool" | "user"}]
  tools jsonb not null,
  visibility text not null check (visibility in ('private', 'public')),
  version int not null default 1 check (version > 0),
  created_at timestamptz not null default clock_now(),
  updated_at timestamptz not null default clock_now(),
  -- soft: agents made from it, and its history, stay
  deleted_at timestamptz
);
create index templates_to_show on agent_templates (created_at desc, id) where deleted_at is null;

-- Append-only: each version as it was, who made it, and who could see it then.
create table template_versions (
  template_id text not null references agent_templates (id),
  version int not null,
  author text not null,
  agent_name text not null,
  instructions text not null,
  model jsonb not null,
  tools jsonb not null,
  visibility text not null check (visibility in ('private', 'public')),
  created_at timestamptz not null default clock_now(),
  primary key (template_id, version)
);

-- Without a foreign key: history outlives what it is about.
alter table claims add column template_id text;
alter table claims add column template_version int;
