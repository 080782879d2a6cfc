-- What operators watch. Expand only: a pool that does not know these tables neither reads nor writes them.

-- One row per minute. Times are durations in ms.
create table stats_minutes (
  minute timestamptz primary key,
  -- as it was when the minute was first looked at; null: nobody did
  target int,
  ready int,
  starting int,
  claimed int,
  crashed int,
  stuck int,
  deleting int,
  queue_depth int,
  queue_oldest_ms double precision,
  -- what ended within it, counted anew while it is young; null: not counted yet
  claims_done int,
  claims_failed int,
  claims_cancelled int,
  claims_empty int,
  claims_hit int,
  claim_p50_ms double precision,
  claim_p95_ms double precision,
  created int,
  became_ready int,
  creation_failed int,
  warm_up_ms double precision
);

-- One row for each time that something was wrong.
create table alerts (
  id bigint generated always as identity primary key,
  code text not null,
  -- pending: seen, but not for long enough to tell anyone
  state text not null default 'pending' check (state in ('pending', 'firing', 'resolved')),
  detail text not null,
  -- it was found at every look since
  since timestamptz not null default clock_now(),
  seen_at timestamptz not null default clock_now(),
  resolved_at timestamptz,
  -- the last notice that went out, and until when one replica has the next one in hand
  told text check (told in ('firing', 'resolved')),
  telling_until timestamptz,
  constraint resolved_says_when check ((state = 'resolved') = (resolved_at is not null))
);
create unique index one_open_alert_per_code on alerts (code) where state <> 'resolved';
create index alerts_to_tell on alerts (id) where state <> 'pending' and told is distinct from 'resolved';
create index alerts_by_end on alerts (resolved_at) where state = 'resolved';

-- When something last happened, on whichever replica.
create table heartbeats (
  name text primary key check (name in ('tick', 'services')),
  at timestamptz not null
);
insert into heartbeats (name, at) values ('tick', clock_now()), ('services', clock_now());

create index claims_by_end on claims (finished_at) where finished_at is not null;
