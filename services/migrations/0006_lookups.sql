-- Indexes for what was looked for through whole tables. Expand only: a running pod is as well off as before, or better.

-- What a ledger of tombstones is asked again and again: what lives, what is on its way, what was measured last, what was destroyed lately.
create index instance_infra_live_idx on instance_infra (phase) where phase <> 'destroyed';
create index instance_services_unsettled_idx on instance_services (state, created_at) where state in ('creating', 'destroying');
create index instance_services_sampled_idx on instance_services (tool_id, usage_at desc) where usage_at is not null;
create index instance_events_strays_idx on instance_events (at) where type = 'stray_destroyed';
