import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { HISTORY_TYPES, type HistoryEntry, type HistoryType } from '../domain/history.js';
import { seenBy, tenantUuid, type Owner } from './keys.js';
import type { Page } from './list-statement.js';
import { TRANSFER_KIND } from './transfer-view.repository.js';

/** Whose history, and what of it; instants are RFC 3339. */
export interface HistoryFilter {
  readonly account?: string;
  /** The account at the path, and all below it: a user's, say. */
  readonly path?: string;
  readonly type?: string;
  readonly createdGte?: string;
  readonly createdLt?: string;
}

/** Each account of a subtree is looked up in every index: a user has a handful of them, a house has lists. */
export const HISTORY_ACCOUNTS_MAX = 100;

const ACCOUNTS = statement(
  'history.accounts',
  `(select id from account_views where tenant_id = $1 and livemode = $2 and id = $3::uuid)
   union (select id from account_views where tenant_id = $1 and livemode = $2 and path = $4::text)
   union (select id from account_views where tenant_id = $1 and livemode = $2 and path ~>=~ ($4::text || ':') and path ~<~ ($4::text || ';')
     limit ${HISTORY_ACCOUNTS_MAX + 1})`,
);

interface Source {
  readonly type: HistoryType;
  readonly table: string;
  /** Which columns the money leaves by, and comes by. */
  readonly sides: readonly [debit: string, credit: string];
  /** What the line tells of, where that is not just what was asked for. */
  readonly amount?: string;
  readonly payment?: string;
  readonly reference?: string;
  readonly failure?: string;
  readonly detail?: string;
  readonly where?: string;
  /** Whether another line tells of the row. */
  readonly told?: (row: string) => string;
}

// Of a payment that one of the accounts is a side of, the payment tells; of a part of another's payment, its transfer. It is looked
// up for each row: an `exists` could be planned as a hash of all payments that the accounts ever had.
const toldByPayment = (row: string): string => `${row}.payment_id is not null and (
    select p.id from payment_views p where p.tenant_id = $1 and p.livemode = $2 and p.id = ${row}.payment_id
      and (p.source_account_id = any ($3::uuid[]) or p.destination_account_id = any ($3::uuid[]))) is not null`;

const SOURCES: readonly Source[] = [
  {
    ...{ type: 'payment', table: 'payment_views', sides: ['source_account_id', 'destination_account_id'] },
    ...{ reference: 'v.reference', failure: 'v.failure_code' },
    // Once something of it was captured that is what has moved: less than was asked for, or more within a tolerance.
    amount: 'case when v.amount_captured_minor > 0 then v.amount_captured_minor else v.amount_minor end',
  },
  {
    ...{ type: 'transfer', table: 'transfer_views', sides: ['debit_account_id', 'credit_account_id'] },
    ...{ payment: 'v.payment_id', failure: 'v.failure_code', detail: TRANSFER_KIND, told: toldByPayment },
  },
  {
    ...{ type: 'hold', table: 'hold_views', sides: ['debit_account_id', 'credit_account_id'] },
    ...{ payment: 'v.payment_id', failure: 'v.failure_code' },
    // Of one that was posted, what was posted tells.
    told: (row) => `${row}.status = 'posted' or ${toldByPayment(row)}`,
  },
  {
    ...{ type: 'refund', table: 'payment_operation_views', sides: ['destination_account_id', 'source_account_id'] },
    ...{ payment: 'v.payment_id', failure: 'v.failure_code', detail: 'v.reason', where: `v.kind = 'refund'` },
  },
  {
    ...{ type: 'dispute', table: 'dispute_views', sides: ['destination_account_id', 'source_account_id'] },
    ...{ payment: 'v.payment_id', detail: 'v.reason' },
  },
];

/** The newest of one source on one side, of each account: as many as the page, and one in case the place itself is among them. */
function branch(source: Source, side: string): string {
  const { type, table, sides, payment = 'null::uuid', reference = 'null::text', failure = 'null::text' } = source;
  const { amount = 'v.amount_minor', detail = 'null::text', where = 'true', told = () => 'false' } = source;
  return `select v.* from unnest($3::uuid[]) as a (account) cross join lateral (
    select '${type}' as type, v.id, v.created_at, v.status, ${amount} as amount_minor, v.asset, v.${sides[0]} as debit, v.${sides[1]} as credit,
      ${payment} as payment_id, ${reference} as reference, ${failure} as failure, ${detail} as detail
    from ${table} v
    where ($9::text is null or $9 = '${type}') and v.tenant_id = $1 and v.livemode = $2 and v.${side} = a.account
      and (v.created_at, v.id) <= ($4::timestamptz, $5::uuid) and v.created_at >= $7::timestamptz and v.created_at < $8::timestamptz
      and ${where} and ($9::text is null or not (${told('v')}))
    order by v.created_at desc, v.id desc limit $10::integer + 1) v`;
}

const BRANCHES = SOURCES.flatMap((source) => source.sides.map((side) => branch(source, side)));
const TOLD_BY_ANOTHER = SOURCES.flatMap(({ type, told }) => (told ? [`m.type = '${type}' and (${told('m')})`] : []));
const NEWEST_FIRST = 'order by created_at desc, id desc, type desc';

// Two ids of different types may be one UUID, so the type is a part of the place. What both its sides found comes once. Whether
// another line tells of it is asked of what was merged: where nearly all that an account has is told by its payments, looking for
// the few that are not would go through all of its past. Of one type there is nothing else to show meanwhile, so it is asked of
// each row: the search is one statement, and ends when that's time is up, as that of any list with a filter that no index answers.
const LIST = statement(
  'history.list',
  `select m.*, d.path as debit_path, c.path as credit_path, u.scale, m.debit = any ($3::uuid[]) as is_out, m.credit = any ($3::uuid[]) as is_in,
     (${TOLD_BY_ANOTHER.join(' or ')}) as is_told
   from (
     select distinct on (created_at, id, type) * from (${BRANCHES.join('\n union all ')}) as s
     where (created_at, id, type) < ($4::timestamptz, $5::uuid, $6::text) ${NEWEST_FIRST} limit $10::integer) as m
   left join account_views d on d.tenant_id = $1 and d.livemode = $2 and d.id = m.debit
   left join account_views c on c.tenant_id = $1 and c.livemode = $2 and c.id = m.credit
   left join unit_views u on u.tenant_id = $1 and u.livemode = $2 and u.code = m.asset
   ${NEWEST_FIRST}`,
);

/** Of all types together: a payment by card is four rows, of which it tells itself. Of one type each row is a line. */
const ROWS_PER_LINE = 4;
const ROWS_MAX = 5_000;
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

interface HistoryRow {
  type: HistoryType;
  id: string;
  created_at: Date;
  status: string;
  amount_minor: bigint | null;
  asset: string;
  debit: string;
  credit: string;
  payment_id: string | null;
  reference: string | null;
  failure: string | null;
  detail: string | null;
  debit_path: string | null;
  credit_path: string | null;
  scale: number | null;
  is_out: boolean;
  is_in: boolean;
  is_told: boolean;
}

/** The UUIDs of the accounts that a filter names; one more than {@link HISTORY_ACCOUNTS_MAX} where there are too many. */
export async function historyAccounts(db: Database, owner: Owner, { account, path }: HistoryFilter): Promise<string[]> {
  const values = [account === undefined ? null : uuidOf('account', account), path ?? null];
  const rows = await seenBy(db, owner).rows<{ id: string }>(ACCOUNTS, [
    tenantUuid(owner.tenant),
    owner.livemode,
    ...values,
  ]);
  return rows.map(({ id }) => id);
}

/** Up to `limit` lines of the accounts' history, newest first, after the position. */
export async function listHistory(
  db: Database,
  owner: Owner,
  accounts: readonly string[],
  { filter, after, limit }: Page<HistoryFilter>,
): Promise<HistoryEntry[]> {
  if (accounts.length === 0) return [];
  const { createdGte = '-infinity', createdLt = 'infinity', type = null } = filter;
  const shown: HistoryRow[] = [];
  let place = after === undefined ? ['infinity', LAST_UUID, ''] : [after.createdAt, ...placeOf(after.id)];
  for (let rows = type === null ? ROWS_PER_LINE * limit : limit; ; rows = Math.min(2 * rows, ROWS_MAX)) {
    const read = await seenBy(db, owner).rows<HistoryRow>(LIST, [
      ...[tenantUuid(owner.tenant), owner.livemode, accounts],
      ...[...place, createdGte, createdLt, type, rows],
    ]);
    shown.push(...read.filter((row) => !row.is_told));
    const last = read.at(-1);
    if (shown.length >= limit || !last || read.length < rows)
      return shown.slice(0, limit).map((row) => entryOfRow(owner, row));
    place = [last.created_at.toISOString(), last.id, last.type];
  }
}

/** The UUID and the type within an id that this list has shown. */
function placeOf(id: string): [uuid: string, type: string] {
  const type = HISTORY_TYPES.find((one) => fromUuid(one, LAST_UUID).split('_')[0] === id.split('_')[0]) ?? 'payment';
  return [uuidOf(type, id), type];
}

function entryOfRow({ tenant, livemode }: Owner, row: HistoryRow): HistoryEntry {
  return {
    tenant,
    livemode,
    type: row.type,
    id: fromUuid(row.type, row.id),
    status: row.status,
    amount: row.amount_minor === null ? null : row.amount_minor.toString(),
    asset: row.asset,
    scale: row.scale,
    debitAccount: fromUuid('account', row.debit),
    creditAccount: fromUuid('account', row.credit),
    debitPath: row.debit_path,
    creditPath: row.credit_path,
    isOut: row.is_out,
    isIn: row.is_in,
    payment: row.payment_id && fromUuid('payment', row.payment_id),
    reference: row.reference,
    failure: row.failure,
    detail: row.detail,
    createdAt: row.created_at.toISOString(),
  };
}
