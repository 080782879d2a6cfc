-- The log of events can be followed. Expand only: a pool that does not know this writes claims without a request id, and fewer events.

-- the request that made the claim: what is done for the claim later is told with it
alter table claims add column request_id text;

-- the order in which events become visible for good, see src/feed/cursor.ts
create index events_in_order on instance_events (xid, id);
create index events_of_a_claim on instance_events (claim_id, id) where claim_id is not null;
create index items_of_an_instance on operation_items (instance_id);

-- events of earlier transactions may have been pruned: who would go on from before it has missed some; null: none was
alter table settings add column feed_pruned_to xid8;
