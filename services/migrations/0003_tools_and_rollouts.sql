-- Tools on live instances, upgrades, and what providers allow and say.

-- The provider's ids in its own words. A second provider has others: only the root's stays visible as a column, for people.
alter table instance_infra add column place jsonb not null default '{}';
update instance_infra set place = jsonb_strip_nulls(jsonb_build_object(
  'projectId', railway_project_id, 'environmentId', railway_environment_id, 'serviceId', railway_service_id,
  'volumeId', railway_volume_id, 'domainId', railway_domain_id));
alter table instance_infra
  drop column railway_project_id, drop column railway_environment_id, drop column railway_service_id,
  drop column railway_volume_id, drop column railway_domain_id;
alter table instance_infra
  add column railway_project_id text generated always as (place ->> 'projectId') stored unique,

  -- 1 is the creation; each redeploy is another one, with log entries of its own
  add column rollout int not null default 1,
  -- what the present rollout goes for; `image` is what the latest deployment was made from
  add column wanted_image text,
  -- what the rollout must get beyond: its own deployment is a new one
  add column previous_deployment_id text,
  -- the same deployment is only started again
  add column restart_only boolean not null default false,
  -- until then an answer may still be the old deployment's
  add column awaiting_deployment boolean not null default false,
  -- of which rollout `desired_env` is
  add column desired_rollout int not null default 1,
  add column removed_variables text[] not null default '{}',

  -- what people shall see at the provider; at leisure
  add column wanted_name text,
  -- somebody waits for the runner: ahead of all that nobody waits for
  add column urgent boolean not null default false;
create index instance_infra_urgent_idx on instance_infra (next_run_at) where urgent;

-- A tool is made of one or more resources, each with a row of its own.
alter table instance_services
  add column kind text not null default 'main',
  -- of the resources that a tool is made of
  add column position smallint not null default 0,
  -- how many times the instance has had it, this one included
  add column generation int not null default 1,
  add column requested_by text not null default 'pool' check (requested_by in ('pool', 'instance')),
  -- the running instance has its variables
  add column delivered boolean not null default false,
  add column error text,
  add column usage jsonb,
  add column usage_at timestamptz,
  add column usage_asked_at timestamptz;
update instance_services set kind = 'key' where tool_id = 'openrouter';
update instance_services set kind = 'wallet' where tool_id = 'wallet';
alter table instance_services alter column kind drop default;
drop index instance_services_live_idx;
create unique index instance_services_live_idx on instance_services (instance_id, tool_id, kind)
  where state not in ('destroyed', 'retained');
create index instance_services_resource_idx on instance_services (tool_id, kind, resource_id) where resource_id is not null;
-- what a provider cannot delete is retained for ever
alter table instance_services drop constraint instance_services_check;
alter table instance_services add constraint retained_until_is_for_the_retained
  check (retained_until is null or state = 'retained');
-- told when a tool gets there, or does not
drop trigger instance_services_changed on instance_services;
create trigger instance_services_changed after update on instance_services
  for each row when (old.state is distinct from new.state or old.resource_id is distinct from new.resource_id
    or old.delivered is distinct from new.delivered)
  execute function note_instance_change();

-- What an instance was refused, and other things that an operator may want to know of it.
create table instance_events (
  id bigint generated always as identity primary key,
  instance_id text not null,
  type text not null,
  detail jsonb not null default '{}',
  at timestamptz not null default clock_now()
);
create index instance_events_instance_idx on instance_events (instance_id, at);
create index instance_events_at_idx on instance_events (at);

-- Text messages of the numbers that we provide; written before they are sent, kept for a week.
create table sms_messages (
  id uuid primary key default gen_random_uuid(),
  -- what a repeated webhook is known by
  provider_id text unique,
  instance_id text not null,
  direction text not null check (direction in ('inbound', 'outbound')),
  from_number text not null,
  to_number text not null,
  body text not null,
  -- outbound: whether it went is not known while it is `sending` or `unknown`
  state text not null check (state in ('received', 'sending', 'sent', 'failed', 'unknown')),
  at timestamptz not null default clock_now()
);
create index sms_messages_instance_idx on sms_messages (instance_id, at);
create index sms_messages_at_idx on sms_messages (at);

-- What was asked of each provider in its present window, summed over the replicas, and what it said last.
create table provider_budgets (
  provider text primary key,
  window_started_at timestamptz not null default clock_now(),
  requests bigint not null default 0,
  refused bigint not null default 0,
  failed bigint not null default 0,
  -- the provider said so: nobody asks before
  blocked_until timestamptz,
  last_ok_at timestamptz,
  last_error text,
  last_error_at timestamptz
);

-- What carries our marker at a provider and is in no ledger, since when.
create table strays (
  provider text not null,
  resource_id text not null,
  instance_id text,
  first_seen_at timestamptz not null default clock_now(),
  last_seen_at timestamptz not null default clock_now(),
  primary key (provider, resource_id)
);
