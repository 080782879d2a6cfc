-- What both databases share: time, identity of the deployment, leases.

-- All SQL reads time here, so that a test can move a database's clock: alter database … set convos.clock_offset = '90 s'.
create function clock_now() returns timestamptz language sql volatile as $$
  select clock_timestamp() + coalesce(nullif(current_setting('convos.clock_offset', true), ''), '0')::interval
$$;

-- Exactly one row. A service of another environment refuses to start on this database.
create table meta (
  one_row boolean primary key default true check (one_row),
  environment text not null,
  deployment_id text not null,
  created_at timestamptz not null default clock_now()
);

create table leases (
  name text primary key,
  holder text not null,
  until timestamptz not null
);
