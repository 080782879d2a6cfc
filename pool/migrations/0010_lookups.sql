-- Indexes for what was looked for through whole tables. Expand only: a running pod is as well off as before, or better.
-- None on claims (instance_id): every reservation writes it, and with an index on it the slowest ones take four times as long.

-- each new claim of a key asks for those, of which there are few
create index claims_that_tainted on claims (principal, created_at) where tainted > 0;

-- the log by who did it, by request and by time; what the pool did by itself is found from the end of the log at once
create index events_of_an_actor on instance_events (actor, xid, id) where actor <> 'pool';
create index events_of_a_request on instance_events (request_id) where request_id is not null;
create index events_by_time on instance_events (at);
