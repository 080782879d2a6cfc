-- What an operator sets while the pool runs, and how far each image is trusted. Expand: replicas of the version before go on
-- with what their environment says, and create instances without naming an image.

alter table settings
  -- seeded from the environment at the first start; from then on this is what holds
  add column seeded_at timestamptz,
  add column min_idle int not null default 3 check (min_idle >= 0),
  -- null: no limit
  add column max_total int check (max_total > 0),
  add column max_age_hours int check (max_age_hours > 0),
  add column stuck_timeout_ms int not null default 900000 check (stuck_timeout_ms > 0),
  add column pending_timeout_ms bigint not null default 86400000 check (pending_timeout_ms > 0),
  -- which of them an operator has set since
  add column edited text[] not null default '{}',
  -- name@sha256:… that new instances are to run, as services resolved it last
  add column wanted_image text,
  add column wanted_since timestamptz;

-- One row per image that was ever wanted or run. `unresolved` stands for the one that services chose by itself.
create table images (
  image text primary key,
  first_seen_at timestamptz not null default clock_now(),
  -- since when it is trusted: an instance on it became ready
  trusted_at timestamptz,
  last_ready_at timestamptz,
  -- creations on it that failed in a row
  failures int not null default 0,
  failed_at timestamptz,
  -- how often in a row the breaker opened, and when it did last; null: closed
  openings int not null default 0,
  opened_at timestamptz,
  -- nothing is created on it before
  retry_at timestamptz
);

create index instances_to_hand_out_by_image on instances (image, created_at, id) where status = 'ready';
