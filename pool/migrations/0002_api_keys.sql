-- Named keys and what they may do. Expand: running pods know only POOL_API_KEY, and neither read nor write any of this.

create table api_keys (
  id text primary key check (id ~ '^[a-z0-9]{12}$'),
  name text not null,
  role text not null check (role in ('operator', 'claimer')),
  -- sha256 of the key, which is random: there is nothing to guess, so nothing to slow down
  hash bytea not null unique,
  -- null: not limited
  claims_per_minute int check (claims_per_minute > 0),
  claims_per_day int check (claims_per_day > 0),
  created_at timestamptz not null default clock_now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);
-- a name may be given again once its key is revoked
create unique index one_live_key_per_name on api_keys (name) where revoked_at is null;
create index sessions_of_a_key on sessions (key_hash);

-- The counters of rate-limiter-flexible: its columns, in its order. At most two rows per key.
create table rate_limits (
  key text primary key,
  points int not null default 0,
  expire bigint
);

-- what a principal has tainted within the last hour
create index claims_of_a_principal on claims (principal, created_at);
