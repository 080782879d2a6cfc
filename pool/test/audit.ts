import { STATUSES } from '../src/contract/index.ts'
import { allowed } from '../src/fleet/lifecycle.ts'

const MOVES = STATUSES.flatMap((from) => STATUSES.filter((to) => allowed(from, to)).map((to) => `${from}:${to}`))

/**
 * What makes every test a test of the audit: a transaction cannot commit that brings, moves or removes an instance, or moves a
 * claim, without an event of its own that says so, or that moves an instance where lifecycle.ts does not let it. Rows that a
 * test writes by itself are left out with `set local convos.unaudited = on`, see `unaudited`.
 */
export const AUDIT = `
  create function assert_instance_audited() returns trigger language plpgsql as $$
  begin
    if not exists (
      select 1 from instance_events e
      where e.instance_id = coalesce(new.id, old.id) and e.xid = pg_current_xact_id()
        and e.from_status is not distinct from old.status and e.to_status is not distinct from new.status
    ) then
      raise 'unaudited: no event tells that % went from % to %', coalesce(new.id, old.id), old.status, new.status;
    end if;
    if tg_op = 'UPDATE' and not old.status || ':' || new.status = any('{${MOVES.join(',')}}') then
      raise 'unaudited: no instance goes from % to %', old.status, new.status;
    end if;
    if tg_op = 'DELETE' and old.status <> 'deleting' then
      raise 'unaudited: % was removed while it was %', old.id, old.status;
    end if;
    return null;
  end $$;

  create function assert_claim_audited() returns trigger language plpgsql as $$
  begin
    if not exists (select 1 from instance_events e where e.claim_id = new.id and e.xid = pg_current_xact_id()) then
      raise 'unaudited: no event tells that % went from % to %', new.id, old.state, new.state;
    end if;
    return null;
  end $$;

  ${['instances', 'claims'].map(triggersOn).join('\n')}`

/** Checked at commit: what tells of a row may come after it. */
function triggersOn(table: string): string {
  const [column, check] = table === 'instances' ? ['status', 'assert_instance_audited'] : ['state', 'assert_claim_audited']
  const asked = `current_setting('convos.unaudited', true) is distinct from 'on'`
  return `
    create constraint trigger ${table}_come_and_go after insert ${table === 'instances' ? 'or delete' : ''} on ${table}
      deferrable initially deferred for each row when (${asked}) execute function ${check}();
    create constraint trigger ${table}_move after update on ${table} deferrable initially deferred
      for each row when (old.${column} is distinct from new.${column} and ${asked}) execute function ${check}();`
}
