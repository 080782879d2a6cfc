-- Who owns an agent and when it ends, as its claim says. Expand only: a pool that does not know these columns leaves them empty.

alter table claims add column owner_address text;
alter table claims add column owner_inbox_id text;
-- of the signed message behind owner_address; burnt when an instance is reserved
alter table claims add column owner_nonce text;
alter table claims add column owner_nonce_expires_at timestamptz;
alter table claims add column expires_at timestamptz;
alter table claims add column has_tools boolean not null default false;
-- when its tools were made, on the instance that it has now
alter table claims add column tools_at timestamptz;
create unique index one_live_claim_per_nonce on claims (owner_nonce)
  where owner_nonce is not null and state in ('queued', 'running', 'pending', 'done');

-- Each was good for one claim. A row may go when its nonce has expired, which is refused by itself.
create table used_nonces (
  nonce text primary key,
  claim_id text not null,
  expires_at timestamptz not null,
  used_at timestamptz not null default clock_now()
);
create index nonces_to_forget on used_nonces (expires_at);
