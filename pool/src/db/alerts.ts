/** Alerts as episodes: seen, firing, resolved. Every change is a compare-and-set, and told to whoever made it, once. */
import type { Queryable } from '@convos/kit'
import type { AlertCode } from '../contract/index.ts'

export interface AlertRow {
  code: string
  detail: string
  since: Date
  resolved_at: Date | null
}

const COLUMNS = 'code, detail, since, resolved_at'

/** Notes what is wrong now. What was not seen for `gapMs` is seen for the first time, unless it fires already. */
export async function seeAlerts(
  db: Queryable,
  p: { found: readonly { code: AlertCode; detail: string }[]; gapMs: number },
): Promise<void> {
  await db.query({
    name: 'see_alerts',
    values: [JSON.stringify(p.found), p.gapMs],
    text: `
      insert into alerts as a (code, detail)
      select f.code, f.detail from jsonb_to_recordset($1::jsonb) as f(code text, detail text) order by f.code
      on conflict (code) where state <> 'resolved' do update set detail = excluded.detail, seen_at = clock_now(),
        since = case when a.state = 'pending' and a.seen_at < clock_now() - $2::float8 * interval '1 ms' then clock_now()
          else a.since end`,
  })
}

/** Those of the given alerts that have held for as long as they must begin to fire; each is answered to one caller only. */
export async function fireAlerts(db: Queryable, found: readonly { code: AlertCode; holdMs: number }[]): Promise<AlertRow[]> {
  const { rows } = await db.query<AlertRow>({
    name: 'fire_alerts',
    values: [JSON.stringify(found.map(({ code, holdMs }) => ({ code, hold_ms: holdMs })))],
    text: `
      update alerts a set state = 'firing'
      from jsonb_to_recordset($1::jsonb) as f(code text, hold_ms float8)
      where a.code = f.code and a.state = 'pending' and a.since <= clock_now() - f.hold_ms * interval '1 ms'
      returning a.code, a.detail, a.since, a.resolved_at`,
  })
  return rows
}

/** The given alerts are over. One that never fired leaves no trace; each of the others is answered to one caller only. */
export async function resolveAlerts(db: Queryable, codes: readonly AlertCode[]): Promise<AlertRow[]> {
  const { rows } = await db.query<AlertRow>({
    name: 'resolve_alerts',
    values: [codes],
    text: `
      with forgotten as (
        delete from alerts where code = any($1) and state = 'pending'
      )
      update alerts set state = 'resolved', resolved_at = clock_now() where code = any($1) and state = 'firing'
      returning ${COLUMNS}`,
  })
  return rows
}

export interface Notice {
  id: string
  code: AlertCode
  notice: 'firing' | 'resolved'
  detail: string
  since: Date
}

/** Takes the next notice of each alert that has one, for `forMs`; nobody else gets these meanwhile. */
export async function takeNotices(db: Queryable, p: { limit: number; forMs: number }): Promise<Notice[]> {
  const { rows } = await db.query<Notice>({
    name: 'take_notices',
    values: [p.limit, p.forMs],
    text: `
      with due as (
        select id from alerts
        where state <> 'pending' and (told is null or (told = 'firing' and state = 'resolved'))
          and (telling_until is null or telling_until <= clock_now())
        order by id limit $1 for update skip locked
      )
      update alerts a set telling_until = clock_now() + $2::float8 * interval '1 ms' from due where a.id = due.id
      returning a.id, a.code, case when a.told is null then 'firing' else 'resolved' end as notice, a.detail, a.since`,
  })
  return rows
}

/** The notice has arrived. One that has not is taken again once its time is over. */
export async function noteTold(db: Queryable, { id, notice }: Pick<Notice, 'id' | 'notice'>): Promise<void> {
  await db.query({
    name: 'note_told',
    values: [id, notice],
    text: `
      update alerts set told = $2, telling_until = null
      where id = $1 and told is not distinct from case when $2 = 'resolved' then 'firing' end`,
  })
}

/** What fires, the longest first. */
export async function listFiring(db: Queryable): Promise<AlertRow[]> {
  const { rows } = await db.query<AlertRow>({
    name: 'list_firing',
    text: `select ${COLUMNS} from alerts where state = 'firing' order by since, code`,
  })
  return rows
}

/** What is over, the last to end first. */
export async function listResolved(db: Queryable, limit: number): Promise<AlertRow[]> {
  const { rows } = await db.query<AlertRow>({
    name: 'list_resolved',
    values: [limit],
    text: `select ${COLUMNS} from alerts where state = 'resolved' order by resolved_at desc, id desc limit $1`,
  })
  return rows
}

export interface WatchedFacts {
  now: Date
  ready: number
  deleting: number
  oldest_deleting: Date | null
  ticked_at: Date
  services_answered_at: Date
}

/** What alerts are decided from, as far as the database knows. */
export async function readWatchedFacts(db: Queryable): Promise<WatchedFacts> {
  const { rows } = await db.query<WatchedFacts>({
    name: 'read_watched_facts',
    text: `
      select clock_now() as now, i.ready, i.deleting, i.oldest_deleting, coalesce(h.ticked_at, clock_now()) as ticked_at,
        coalesce(h.services_answered_at, clock_now()) as services_answered_at
      from (
        select count(*) filter (where status = 'ready')::int as ready, count(*) filter (where status = 'deleting')::int as deleting,
          min(status_since) filter (where status = 'deleting') as oldest_deleting
        from instances
      ) i cross join (
        select max(at) filter (where name = 'tick') as ticked_at, max(at) filter (where name = 'services') as services_answered_at
        from heartbeats
      ) h`,
  })
  if (!rows[0]) throw new Error('an aggregate answers one row')
  return rows[0]
}
