-- The ledgers: what exists at each provider, and who is changing it. Rows are written before the first call and never deleted:
-- `destroyed` is a tombstone that keeps an id from being used again.

create table instance_infra (
  instance_id text primary key check (instance_id ~ '^[a-z0-9]{12}$'),
  wish text not null default 'present' check (wish in ('present', 'absent')),
  phase text not null default 'queued' check (
    phase in ('queued', 'creating', 'deploying', 'running', 'deploy_failed', 'destroying', 'destroyed')),
  phase_since timestamptz not null default clock_now(),
  created_at timestamptz not null default clock_now(),

  project_name text,
  railway_project_id text unique,
  railway_environment_id text,
  railway_service_id text,
  railway_volume_id text,
  railway_domain_id text,
  image text,
  url text,
  deployment_id text,
  deployment_started_at timestamptz,

  -- encrypted; null once destroyed
  desired_env text,
  gateway_token text,
  control_token text,
  services_token text,
  -- finds the row of an instance that calls us
  services_token_hash text unique,

  -- one runner at a time; next_run_at is null while there is nothing to do
  runner_id text,
  lease_until timestamptz,
  next_run_at timestamptz default clock_now(),
  attempts int not null default 0,
  refusals int not null default 0,
  last_error text,

  -- next_probe_at and next_lookup_at are null while there is nothing to look at
  next_probe_at timestamptz,
  probe_failures int not null default 0,
  failing_since timestamptz,
  answered_at timestamptz,
  health jsonb,
  next_lookup_at timestamptz,

  claim_id text,
  allowed_tools text[],
  profile_revision bigint not null default 0,

  check (phase = 'destroyed' or (project_name is not null and image is not null)),
  check ((runner_id is null) = (lease_until is null)),
  check ((probe_failures = 0) = (failing_since is null))
);
create index instance_infra_run_idx on instance_infra (next_run_at) where next_run_at is not null;
create index instance_infra_probe_idx on instance_infra (next_probe_at) where next_probe_at is not null;
create index instance_infra_lookup_idx on instance_infra (next_lookup_at) where next_lookup_at is not null;

create table instance_services (
  id uuid primary key default gen_random_uuid(),
  -- no foreign key: the ledger outlives everything else
  instance_id text not null,
  tool_id text not null,
  state text not null default 'creating' check (
    state in ('creating', 'active', 'user_provided', 'destroying', 'destroyed', 'retained', 'failed')),
  resource_id text,
  config jsonb not null default '{}',
  -- the tool's variables, encrypted
  secret text,
  last_call_ended_at timestamptz,
  retained_until timestamptz,
  created_at timestamptz not null default clock_now(),
  check ((state = 'retained') = (retained_until is not null)),
  check (state <> 'active' or resource_id is not null)
);
create unique index instance_services_live_idx on instance_services (instance_id, tool_id) where state not in ('destroyed', 'retained');
create index instance_services_instance_idx on instance_services (instance_id);
create index instance_services_retained_idx on instance_services (retained_until) where state = 'retained';

-- One row per instance, step and direction. `uncertain`: a call was sent of which it is not known whether it took effect.
create table saga_log (
  instance_id text not null,
  step text not null,
  direction text not null check (direction in ('do', 'undo')),
  state text not null check (state in ('started', 'done', 'failed')),
  attempts int not null default 1,
  uncertain boolean not null default true,
  started_at timestamptz not null default clock_now(),
  ended_at timestamptz,
  error text,
  primary key (instance_id, step, direction)
);

-- What a provider lets us do only once per interval, over all replicas.
create table provider_slots (
  name text primary key,
  holder text not null,
  next_at timestamptz not null
);

-- What a mutable tag last resolved to.
create table wanted_images (
  ref text primary key,
  digest text check (digest ~ '^sha256:[0-9a-f]{64}$'),
  resolved_at timestamptz,
  attempted_at timestamptz not null default clock_now(),
  error text
);
