-- What operators do with instances in use. Expand only: a running pod neither reads nor writes any of the new columns.

-- Kinds are the code's to know: a pod carries out those that it knows and leaves the others to newer ones.
alter table operations drop constraint operations_kind_check;
alter table operations add column input jsonb;
alter table operations add column report jsonb;

-- Null: it is not about one instance.
alter table operation_items alter column instance_id drop not null;
-- Work that calls services: until when whoever took it may be at it, or when it is due. Null: its progress is that of its
-- instance. Such an item is written with begun_at, so that a pod that would take it for a removal leaves it alone.
alter table operation_items add column lease_until timestamptz;
alter table operation_items add column taken_at timestamptz;
alter table operation_items add column done_at timestamptz;
alter table operation_items add column step text;
create index items_at_work on operation_items (lease_until) where lease_until is not null and done_at is null and error is null;

-- Which of agentName, instructions, model the claimer chose against its template; null: not known, from before.
alter table claims add column overrides text[];
alter table claims add column parent_instance text;
alter table instances add column overrides text[];
alter table instances add column template_synced_at timestamptz;
create index instances_of_a_template on instances (template_id) where template_id is not null;
