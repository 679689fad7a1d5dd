import { statement, type Statement } from '@payflow/database';
import { foundAll, type Part } from '@payflow/invariants';
import { inHalves, ofClass, type ClassOf } from './class-walk.js';
import { historySteps, STEP_TRANSFERS, TOLD_IN_STEP, type Step } from './history-steps.js';
import { inOneMoment, type Reads } from './one-moment.js';
import { accountDiffers, HOLD_EVENTS, holdDiffers, placedOtherwise, toldOfHolds } from './standing.js';

/** Accounts that were changed, or holds that are pending, which this process holds at a time: some 100 MB of them. */
const HELD_MAX = 400_000;
const PAGE_ACCOUNTS = 20_000;
/** Of those that are held, so many are asked for at a time. */
const ASKED_AT_ONCE = 10_000;

export interface Bounds {
  readonly step_verdicts: number;
  readonly held_max: number;
}
const BOUNDS: Bounds = { step_verdicts: STEP_TRANSFERS, held_max: HELD_MAX };

const NOBODY = '00000000-0000-0000-0000-000000000000';

interface Key {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly id: string;
}
const keyOf = ({ tenant_id, livemode, id }: Key) => `${tenant_id}/${livemode}/${id}`;

/** What is held of one account, or hold, until all that was told of it has been seen. */
type Held<T> = Map<string, Key & T>;

/** The columns of some, as SQL takes them: `unnest($1::uuid[], $2::boolean[], $3::uuid[], …)`. */
function* columnsOf<T>(held: Held<T>, last: (row: T) => unknown): Generator<unknown[], void> {
  const rows = [...held.values()];
  for (let at = 0; at < rows.length; at += ASKED_AT_ONCE) {
    const some = rows.slice(at, at + ASKED_AT_ONCE);
    yield [
      some.map((row) => row.tenant_id),
      some.map((row) => row.livemode),
      some.map((row) => row.id),
      some.map(last),
    ];
  }
}

// An opening is found under its account's id. A change is not: the last of each account is remembered.
const CHANGES = statement(
  'standing.changes-of-step',
  `with told as (
     select tenant_id, livemode, id, 1::bigint as version, null::uuid as change from ${TOLD_IN_STEP} as v
     where kind = 'account' and event_type = 'payflow.account.opened.v1' and ${ofClass('id', 3)}
     union all
     select tenant_id, livemode, account, version, id from (
       select v.*, typeid_uuid(data ->> 'id') as account, (data ->> 'version')::bigint as version
       from ${TOLD_IN_STEP} as v cross join lateral (select v.event_data::json as data) as told
       where v.kind = 'change' and v.event_type = 'payflow.account.updated.v1') as changes
     where ${ofClass('account', 3)})
   select distinct on (t.tenant_id, t.livemode, t.id) t.tenant_id, t.livemode, t.id, t.version::float8 as version, t.change, a.id is null as is_gone
   from told t left join lateral (
     select a.id from accounts a where a.tenant_id = t.tenant_id and a.livemode = t.livemode and a.id = t.id limit 1) as a on true
   where a.id is null or t.change is not null
   order by t.tenant_id, t.livemode, t.id, t.version desc`,
);

const OPENED_OTHERWISE = statement(
  'standing.accounts-of-page',
  `with page as materialized (
     select * from accounts where (tenant_id, livemode, id) > ($1::uuid, $2::boolean, $3::uuid) and ${ofClass('id', 4)}
     order by tenant_id, livemode, id limit ${PAGE_ACCOUNTS})
   select p.tenant_id, p.livemode, p.id, ${accountDiffers('p', 'told')} as differs, p.nth = p.rows as is_last
   from (select *, row_number() over (order by tenant_id, livemode, id) as nth, count(*) over () as rows from page) as p
   left join lateral (
     select 1::bigint as version, v.event_data::json as data from verdicts v
     where v.tenant_id = p.tenant_id and v.livemode = p.livemode and v.kind = 'account' and v.id = p.id
       and v.event_type = 'payflow.account.opened.v1' limit 1) as told on true
   where p.nth = p.rows or ${accountDiffers('p', 'told')}
   order by p.nth`,
);

const CHANGED_OTHERWISE = statement(
  'standing.changed-accounts',
  `select a.id from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[]) with ordinality as c (tenant_id, livemode, id, change, nth)
   join accounts a on a.tenant_id = c.tenant_id and a.livemode = c.livemode and a.id = c.id
   cross join lateral (
     select (data ->> 'version')::bigint as version, data from verdicts v cross join lateral (select v.event_data::json as data) as event
     where v.tenant_id = c.tenant_id and v.livemode = c.livemode and v.kind = 'change' and v.id = c.change limit 1) as told
   where ${accountDiffers('a', 'told')} order by c.nth`,
);

interface ChangeRow extends Key, Record<string, unknown> {
  readonly version: number;
  readonly change: string;
  readonly is_gone: boolean;
}

interface AccountRow extends Key, Record<string, unknown> {
  readonly differs: boolean;
  readonly is_last: boolean;
}

interface Changes {
  readonly changed: Held<{ version: number; change: string }>;
  readonly gone: Set<string>;
}

/** Accounts that are not on the terms that were told last. Nothing else changes them, and counters are I3's. */
export function otherwiseStandingAccounts(bounds: Bounds = BOUNDS): Part {
  return async (db) => {
    const found = await inHalves((of) =>
      walked<Changes>(db, bounds, {
        held: { changed: new Map(), gone: new Set() },
        look: async (reads, { changed, gone }, { from, to }) => {
          for (const row of await reads.rows<ChangeRow>(CHANGES, [from, to, ...of])) {
            if (row.is_gone) gone.add(row.id);
            else if (row.version > (changed.get(keyOf(row))?.version ?? 0)) changed.set(keyOf(row), row);
          }
          return changed.size;
        },
        left: async (reads, { changed, gone }) => [
          ...[...gone].map((id) => `accounts/${id} was opened and is gone`),
          ...(await standingOtherwise(reads, changed, of)).map(
            (id) => `accounts/${id} is not on the terms that were told last`,
          ),
        ],
      }),
    );
    return foundAll(found.flat());
  };
}

async function standingOtherwise(
  db: Reads,
  changed: Held<{ readonly change: string }>,
  of: ClassOf,
): Promise<string[]> {
  const otherwise: string[] = [];
  for (let after: Key = { tenant_id: NOBODY, livemode: false, id: NOBODY }; ;) {
    const page: AccountRow[] = await db.rows<AccountRow>(OPENED_OTHERWISE, [
      after.tenant_id,
      after.livemode,
      after.id,
      ...of,
    ]);
    otherwise.push(...page.filter((row) => row.differs && !changed.has(keyOf(row))).map(({ id }) => id));
    const last = page.at(-1);
    if (!last) break;
    after = last;
  }
  return [
    ...otherwise,
    ...(await idsOf(
      db,
      CHANGED_OTHERWISE,
      columnsOf(changed, ({ change }) => change),
    )),
  ];
}

async function idsOf(db: Reads, of: Statement, pages: Iterable<unknown[]>): Promise<string[]> {
  const ids: string[] = [];
  for (const page of pages) ids.push(...(await db.rows<{ id: string }>(of, page)).map(({ id }) => id));
  return ids;
}

// A hold is looked at with each word on it: it may have gone on since, but only from a state that it can leave.
const HOLDS = statement(
  'standing.holds-of-step',
  `select t.tenant_id, t.livemode, t.id, count(distinct t.version)::float8 as told, max(t.version)::float8 as version,
     (max(t.version) filter (where t.data ->> 'status' <> 'pending'))::float8 as ended,
     bool_or(h.id is null) as is_gone,
     coalesce(bool_or(h.version < t.version or (h.version > t.version and t.data ->> 'status' <> 'pending')
       or (h.version = t.version and ${holdDiffers('h', 't')}) or ${placedOtherwise('h', 't')}), false) as differs
   from (${toldOfHolds(TOLD_IN_STEP, HOLD_EVENTS)}) as t
   left join lateral (
     select * from holds h where h.tenant_id = t.tenant_id and h.livemode = t.livemode and h.id = t.id limit 1) as h on true
   where ${ofClass('t.id', 3)} group by t.tenant_id, t.livemode, t.id`,
);

const PENDING_OTHERWISE = statement(
  'standing.pending-holds',
  `select c.id from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[]) with ordinality as c (tenant_id, livemode, id, version, nth)
   join holds h on h.tenant_id = c.tenant_id and h.livemode = c.livemode and h.id = c.id where h.version <> c.version order by c.nth`,
);

interface HoldRow extends Key, Record<string, unknown> {
  /** How many versions of it, and the last of them; that in which it ended, where one of them tells. */
  readonly told: number;
  readonly version: number;
  readonly ended: number | null;
  readonly is_gone: boolean;
  readonly differs: boolean;
}

interface Pending {
  readonly told: number;
  readonly version: number;
  readonly ended: number | null;
}

interface Words {
  readonly pending: Held<Pending>;
  readonly faults: Map<string, string>;
}
const OTHERWISE = 'is not what was told of it last';

/**
 * Holds that are not what was told of them last. Each change is one version more: one that has ended, with all its versions seen,
 * is done with. They do not come in their order: the transaction that ends one may have begun before the one that placed it.
 */
export function otherwiseStandingHolds(bounds: Bounds = BOUNDS): Part {
  return async (db) => {
    const found = await inHalves((of) =>
      walked<Words>(db, bounds, {
        held: { pending: new Map(), faults: new Map() },
        look: async (reads, { pending, faults }, { from, to }) => {
          for (const row of await reads.rows<HoldRow>(HOLDS, [from, to, ...of])) {
            if (row.is_gone) faults.set(row.id, 'was placed and is gone');
            else if (row.differs) faults.set(row.id, OTHERWISE);
            else seen(pending, row);
          }
          return pending.size;
        },
        left: async (reads, { pending, faults }) => {
          const otherwise = await idsOf(
            reads,
            PENDING_OTHERWISE,
            columnsOf(pending, ({ version }) => version),
          );
          for (const id of otherwise) faults.set(id, OTHERWISE);
          return [...faults].map(([id, fault]) => `holds/${id} ${fault}`);
        },
      }),
    );
    return foundAll(found.flat());
  };
}

function seen(pending: Held<Pending>, row: HoldRow): void {
  const before = pending.get(keyOf(row));
  // That it has ended may be told again.
  const isToldAgain = row.ended !== null && before?.ended === row.ended;
  const told = row.told + (before?.told ?? 0) - (isToldAgain ? 1 : 0);
  const ended = row.ended ?? before?.ended ?? null;
  const { tenant_id, livemode, id } = row;
  if (ended === told) pending.delete(keyOf(row));
  else
    pending.set(keyOf(row), {
      tenant_id,
      livemode,
      id,
      told,
      ended,
      version: Math.max(row.version, before?.version ?? 0),
    });
}

interface Walk<H> {
  readonly held: H;
  /** Looks at a step, and says how many are held after it. */
  readonly look: (reads: Reads, held: H, step: Step) => Promise<number>;
  /** What is found in the moment of the last step. */
  readonly left: (reads: Reads, held: H) => Promise<string[]>;
}

/** Looks at each step, and then at what is left. Undefined where there is too much to be held. */
async function walked<H>(
  db: Parameters<Part>[0],
  { step_verdicts, held_max }: Bounds,
  { held, look, left }: Walk<H>,
): Promise<string[] | undefined> {
  for await (const step of historySteps(db, step_verdicts, 'verdicts')) {
    if (!step.isLast) {
      if ((await look(db, held, step)) > held_max) return undefined;
      continue;
    }
    // What changes meanwhile is in both, or in neither.
    return inOneMoment(db, async (tx) => {
      const own = structuredClone(held);
      return (await look(tx, own, step)) > held_max ? undefined : left(tx, own);
    });
  }
  return [];
}
