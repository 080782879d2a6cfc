-- What pool must look at again. Readers order by transaction id and stop at their snapshot's xmin: a sequence would let a transaction that
-- commits late slip in behind a cursor that has passed it.

create table instance_changes (
  id bigint generated always as identity primary key,
  txid xid8 not null default pg_current_xact_id(),
  instance_id text not null,
  at timestamptz not null default clock_now()
);
create index instance_changes_txid_idx on instance_changes (txid);
create index instance_changes_at_idx on instance_changes (at);

-- Cursors below it have missed something.
create table instance_changes_pruned (
  one_row boolean primary key default true check (one_row),
  below xid8 not null
);
insert into instance_changes_pruned (below) values ('0');

create function note_instance_change() returns trigger language plpgsql as $$
begin
  insert into instance_changes (instance_id) values (new.instance_id);
  return null;
end $$;

create trigger instance_infra_added after insert on instance_infra
  for each row execute function note_instance_change();

create trigger instance_infra_changed after update on instance_infra
  for each row when (
    old.phase is distinct from new.phase
    or old.wish is distinct from new.wish
    or old.url is distinct from new.url
    or old.image is distinct from new.image
    or old.health - 'lastActivityAt' is distinct from new.health - 'lastActivityAt'
    or (old.probe_failures = 0) <> (new.probe_failures = 0)
    or (old.probe_failures < 3 and new.probe_failures >= 3))
  execute function note_instance_change();

create trigger instance_services_added after insert on instance_services
  for each row execute function note_instance_change();

create trigger instance_services_changed after update on instance_services
  for each row when (old.state is distinct from new.state or old.resource_id is distinct from new.resource_id)
  execute function note_instance_change();
