-- The slowest claims of a minute. Expand only: a running pod neither reads nor writes it. Null: nothing was claimed, or it is from before.
alter table stats_minutes add column claim_p99_ms double precision;
