-- What pool knows: instances, the claims on them, what happened, and who may ask.

-- Exactly one row. Whoever adds instances holds it, so that counting and adding is one step for all replicas.
create table settings (
  one_row boolean primary key default true check (one_row),
  paused boolean not null default false,
  -- key of the HMACs where POOL_SECRET is not set
  secret text not null
);
insert into settings (secret)
  values (encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex'));

create table instances (
  id text primary key check (id ~ '^[a-z0-9]{12}$'),
  status text not null check (status in
    ('starting', 'ready', 'claiming', 'pending', 'claimed', 'crashed', 'recycling', 'stuck', 'deleting')),
  status_reason text,
  status_since timestamptz not null default clock_now(),
  -- the claim that owns it, or the failed one that tainted it
  claim_id text,
  -- set just before the first call of a claim that reaches the box; never taken back
  touched_at timestamptz,
  agent_name text,
  instructions text,
  model text,
  url text,
  image text,
  phase text,
  phase_since timestamptz,
  health jsonb,
  tools jsonb not null default '[]',
  last_activity_at timestamptz,
  conversation_id text,
  invite_url text,
  principal text,
  owner_id text,
  owner_address text,
  parent_instance text,
  template_id text,
  template_version int,
  protected boolean not null default false,
  expires_at timestamptz,
  created_at timestamptz not null default clock_now(),
  ready_at timestamptz,
  claimed_at timestamptz,
  constraint unclaimed_is_untouched
    check (status not in ('starting', 'ready') or (claim_id is null and touched_at is null and conversation_id is null)),
  constraint owned_names_its_claim check (status not in ('claiming', 'pending', 'claimed') or claim_id is not null),
  constraint claimed_has_a_conversation check (status <> 'claimed' or conversation_id is not null)
);
create index instances_to_hand_out on instances (created_at, id) where status = 'ready';
create unique index one_instance_per_claim on instances (claim_id) where status in ('claiming', 'pending', 'claimed');

create table claims (
  id text primary key,
  -- the place in the queue; a claim whose box failed keeps it
  seq bigint generated always as identity,
  principal text not null,
  idem_key text,
  body_hmac text not null,
  -- both null once the claim failed or was cancelled, so that key and invite can be used again
  join_hash text,
  mode text not null check (mode in ('create', 'join')),
  agent_name text not null,
  state text not null default 'queued' check (state in
    ('queued', 'running', 'pending', 'done', 'failed', 'cancelled', 'ended')),
  instance_id text,
  -- boxes that this claim touched and did not keep
  tainted int not null default 0,
  conversation_id text,
  invite_url text,
  joined boolean not null default false,
  error jsonb,
  -- until when it may stand in the queue
  wait_until timestamptz not null,
  -- when the caller is answered at the latest; runs from the first reservation
  deadline timestamptz,
  -- who works on it renews this; whoever finds it passed ends the claim
  lease_until timestamptz not null,
  created_at timestamptz not null default clock_now(),
  reserved_at timestamptz,
  configured_at timestamptz,
  finished_at timestamptz,
  constraint working_names_its_instance check (state not in ('running', 'pending', 'done') or instance_id is not null),
  constraint failed_releases_key_and_invite
    check (state not in ('failed', 'cancelled') or (idem_key is null and join_hash is null))
);
create unique index one_claim_per_key on claims (principal, idem_key) where idem_key is not null;
create unique index one_live_claim_per_invite on claims (principal, join_hash, body_hmac)
  where join_hash is not null and state <> 'ended';
create index claims_in_the_queue on claims (seq) where state = 'queued';
create index claims_at_work on claims (lease_until) where state in ('queued', 'running');

-- Append-only, and without a foreign key: history outlives its instance.
create table instance_events (
  id bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default clock_now(),
  instance_id text,
  claim_id text,
  type text not null,
  from_status text,
  to_status text,
  reason text,
  actor text not null,
  request_id text,
  detail jsonb
);
create index events_of_an_instance on instance_events (instance_id, id);
create index events_by_type on instance_events (type, at);

create table operations (
  id text primary key,
  kind text not null check (kind in ('drain', 'kill', 'dismiss', 'replenish')),
  actor text not null,
  request_id text,
  started_at timestamptz not null default clock_now(),
  stopped_at timestamptz
);
create index operations_by_age on operations (started_at);

-- What an operation is about; how far an item is follows from its instance, not from here.
create table operation_items (
  operation_id text not null references operations (id) on delete cascade,
  seq int not null,
  instance_id text not null,
  begun_at timestamptz,
  error text,
  primary key (operation_id, seq)
);
create index items_to_begin on operation_items (operation_id, seq) where begun_at is null and error is null;

create table sessions (
  token_hash bytea primary key,
  principal text not null,
  role text not null check (role in ('operator', 'claimer')),
  -- the key it was made with: a session dies with its key
  key_hash bytea not null,
  created_at timestamptz not null default clock_now(),
  expires_at timestamptz not null
);

create table login_codes (
  code_hash bytea primary key,
  principal text not null,
  role text not null check (role in ('operator', 'claimer')),
  key_hash bytea not null,
  expires_at timestamptz not null
);
