import { fromUuid, uuidOf, type TransferKind } from '@payflow/contracts';
import { keyset, statement, type Database, type Statement, type Transaction } from '@payflow/database';
import { keyOf, type OwnedAccount } from './balance.repository.js';
import { recordedBy, type Basis } from './balance-sums.js';
import { rowsInIndexOrder, rowsInIndexOrderWithin } from './index-order.js';

/** A place between two lines of an account, and the order of them: by what counts, then as they were recorded. */
export interface LinePlace {
  /** When the line counts, by the basis of the statement. */
  readonly at: Date | '-infinity' | 'infinity';
  readonly recordedAt: Date | '-infinity' | 'infinity';
  /** The chain and the place in it tell what was recorded in one millisecond apart. */
  readonly chain: number;
  readonly position: bigint;
}

/** One transfer as one of its accounts sees it. */
export interface AccountLine {
  readonly place: LinePlace;
  readonly transfer: string;
  readonly side: 'debit' | 'credit';
  readonly counterAccount: string;
  readonly amount: bigint;
  readonly asset: string;
  readonly payment: string | null;
  readonly group: string | null;
  readonly hold: string | null;
  readonly reverses: string | null;
  readonly recordedAt: Date;
  readonly effectiveAt: Date;
}

/** A line, and what its transfer was made for. */
export interface HistoryLine extends AccountLine {
  readonly kind: TransferKind;
  /** The transaction type that it named. */
  readonly type: string | null;
  /** What it has now; of a group, the group has it. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Lines per page at most, and the one that tells whether there is another page. */
const LINES_MAX = 201;

/**
 * The group that somebody asked for. What is asked for alone, a reversal and a correction are groups in the books alone, known by
 * the transfer's own UUID; one that was asked for may bear that of a leg too, and has others then.
 */
const GROUP = `case when t.reverses_id is null and (t.group_id <> t.id or exists (
  select from transfers g where g.tenant_id = t.tenant_id and g.livemode = t.livemode and g.group_id = t.group_id
    and g.recorded_at = t.recorded_at and g.id <> t.id and g.reverses_id is null)) then t.group_id end`;

const COLUMNS = `t.id, t.amount_minor, t.asset, t.payment_id, ${GROUP} as group_id, t.hold_id, t.reverses_id, t.recorded_at,
  coalesce(t.effective_at, t.recorded_at) as effective_at, t.chain, t.chain_position`;

const SIDES = [
  { side: 'debit', other: 'credit' },
  { side: 'credit', other: 'debit' },
] as const;

const OF_ACCOUNT = (side: string) => `t.tenant_id = $1 and t.livemode = $2 and t.${side}_account_id = $3`;

/** What a transfer is made for. Only a transfer of a group can stand in another's place: that takes a look into `reversals`. */
const KIND = `case when t.hold_id is not null then 'hold_posting' when t.reverses_id is not null then 'reversal'
  when t.group_id is not null and exists (
    select from reversals c where c.tenant_id = t.tenant_id and c.livemode = t.livemode and c.corrected_by_id = t.id) then 'correction'
  else 'plain' end`;

/** The transaction type that a transfer named: few do. */
const TYPE = `(
  select y.name from typed_transfers y where y.tenant_id = t.tenant_id and y.livemode = t.livemode and y.transfer_id = t.id)`;

/** The newest of its versions; of what has none, the verdict tells, where the transfer was asked for alone. */
const METADATA = `coalesce((
  select m.metadata from metadata_versions m
  where m.tenant_id = t.tenant_id and m.livemode = t.livemode and m.resource = 'transfer' and m.id = t.id order by m.version desc limit 1), (
  select v.event_data::json -> 'metadata' from verdicts v
  where t.group_id = t.id and v.tenant_id = t.tenant_id and v.livemode = t.livemode and v.kind = 'group' and v.id = t.group_id
    and json_array_length(v.event_data::json -> 'legs') = 1), '{}'::json)`;

interface Source {
  /** What the line counts by, and an index is ordered by. */
  readonly time: 'recorded_at' | 'effective_at';
  readonly condition: string;
  readonly order: 'asc' | 'desc';
  readonly columns?: string;
}

/** Lines of one side in the order of one index, no more than a page and what goes with its last instant. */
function linesOf(
  { side, other }: (typeof SIDES)[number],
  { time, condition, order, columns = COLUMNS }: Source,
): string {
  const inOrder = keyset(order, `t.${time}`, 't.recorded_at', 't.chain', 't.chain_position');
  return `(
    select t.${time} as at, '${side}' as side, t.${other}_account_id as counter_account_id, ${columns} from transfers t
    where ${OF_ACCOUNT(side)} and ${condition}
      and ${inOrder.behind(['$4::timestamptz', '$5::timestamptz', '$6', '$7'])}
    order by t.${time} ${order} fetch first ${LINES_MAX} rows with ties)`;
}

const merged = (sources: readonly Source[], order: 'asc' | 'desc') => `
  select * from (${sources.flatMap((source) => SIDES.map((side) => linesOf(side, source))).join(' union all ')}) as lines
  ${keyset(order, 'at', 'recorded_at', 'chain', 'chain_position').orderBy} limit $8`;

// The first bound says what the place does, in a form that also tells which months need not be looked at.
// Of the last instant that was known, more may have come since: what was there then lies within the chains as they were.
const KNOWN = '(t.recorded_at < $10::timestamptz or t.chain_position <= ($11::bigint[])[t.chain + 1])';
const RECORDED = `t.recorded_at >= $4::timestamptz and t.recorded_at < $9::timestamptz and t.recorded_at <= $10::timestamptz
  and ${KNOWN}`;
const EFFECTIVE = `t.effective_at >= $4::timestamptz and t.effective_at < $9::timestamptz
  and t.recorded_at >= $4::timestamptz and ${recordedBy('$10::timestamptz')} and ${KNOWN}`;

export const LINES_AFTER = {
  recorded: statement(
    'reads.lines-recorded',
    merged([{ time: 'recorded_at', condition: RECORDED, order: 'asc' }], 'asc'),
  ),
  effective: statement(
    'reads.lines-effective',
    merged(
      [
        { time: 'recorded_at', condition: `t.effective_at is null and ${RECORDED}`, order: 'asc' },
        { time: 'effective_at', condition: EFFECTIVE, order: 'asc' },
      ],
      'asc',
    ),
  ),
} as const satisfies Record<Basis, unknown>;

const FILTERS = `t.recorded_at <= $4::timestamptz and t.recorded_at < $9::timestamptz and t.recorded_at >= $10::timestamptz
  and t.amount_minor between $11::bigint and $12::bigint`;
const columns = `${COLUMNS}, ${KIND} as kind, ${TYPE} as type, ${METADATA} as metadata`;

/** What a filter means, given its parameter. A group is small: it is looked through whole; of what is rare, the account's history is. */
const FILTERS_GIVEN = {
  group: (parameter: string) => `t.group_id = ${parameter}`,
  kind: (parameter: string) => `(${KIND}) = ${parameter}`,
  type: (parameter: string) => `${TYPE} = ${parameter}`,
  metadata: (parameter: string) => `(${METADATA})::jsonb @> ${parameter}::jsonb`,
} as const;
type GivenFilter = keyof typeof FILTERS_GIVEN;
const GIVEN_FILTERS = Object.keys(FILTERS_GIVEN) as GivenFilter[];

const histories = new Map<string, Statement>();

/** One constant text per combination, so that each can be prepared; the combinations are few and all ours. */
function historyOf(given: readonly GivenFilter[]): Statement {
  const name = ['reads.history', ...given].join('-');
  const known = histories.get(name);
  if (known) return known;
  const conditions = given.map((filter, at) => FILTERS_GIVEN[filter](`$${at + 13}`));
  const condition = [...conditions, FILTERS].join(' and ');
  const made = statement(name, merged([{ time: 'recorded_at', condition, order: 'desc', columns }], 'desc'));
  histories.set(name, made);
  return made;
}

// Known from the start, as all other statements are.
historyOf([]);

interface LineRow {
  at: Date;
  side: 'debit' | 'credit';
  counter_account_id: string;
  id: string;
  amount_minor: bigint;
  asset: string;
  payment_id: string | null;
  group_id: string | null;
  hold_id: string | null;
  reverses_id: string | null;
  kind?: TransferKind;
  type?: string | null;
  metadata?: Record<string, string>;
  recorded_at: Date;
  effective_at: Date;
  chain: number;
  chain_position: bigint;
}

/** What had been recorded at some moment: up to the account's own last instant, and of that no more than the chains had then. */
export interface Known {
  readonly at: Date;
  /** How far each chain had come, by its number. */
  readonly chains: readonly bigint[];
}

/** Lines after a place and before `to`, oldest first, of what was known. */
export async function linesAfter(
  tx: Transaction,
  account: OwnedAccount,
  range: {
    readonly basis: Basis;
    readonly after: LinePlace;
    readonly to: Date | 'infinity';
    readonly known: Known;
    readonly limit: number;
  },
): Promise<AccountLine[]> {
  const { basis, after, to, known, limit } = range;
  const rows = await rowsInIndexOrderWithin<LineRow>(tx, LINES_AFTER[basis], [
    ...keyOf(account),
    ...valuesOf(after),
    limit,
    to,
    known.at,
    known.chains,
  ]);
  return rows.map(toLine);
}

export interface HistoryFilter {
  readonly group: string | undefined;
  readonly kind: TransferKind | undefined;
  readonly type: string | undefined;
  /** An object as JSON: names and values that the metadata must have. */
  readonly metadata: string | undefined;
  readonly amountGte: bigint;
  readonly amountLte: bigint;
  readonly createdGte: Date | '-infinity';
  readonly createdLt: Date | 'infinity';
}

/** Lines before a place, newest first. */
export async function linesBefore(
  db: Database,
  account: OwnedAccount,
  { before, filter, limit }: { readonly before: LinePlace; readonly filter: HistoryFilter; readonly limit: number },
): Promise<HistoryLine[]> {
  const { createdLt, createdGte, amountGte, amountLte } = filter;
  const values = [...keyOf(account), ...valuesOf(before), limit, createdLt, createdGte, amountGte, amountLte];
  const given = GIVEN_FILTERS.filter((name) => filter[name] !== undefined);
  const more = given.map((name) => (name === 'group' ? uuidOf('group', filter.group as string) : filter[name]));
  const rows = await rowsInIndexOrder<LineRow>(db, historyOf(given), [...values, ...more]);
  return rows.map((row) => ({
    ...toLine(row),
    kind: row.kind as TransferKind,
    type: row.type ?? null,
    metadata: row.metadata ?? {},
  }));
}

function valuesOf({ at, recordedAt, chain, position }: LinePlace): unknown[] {
  return [at, recordedAt, chain, position];
}

function toLine(row: LineRow): AccountLine {
  return {
    place: { at: row.at, recordedAt: row.recorded_at, chain: row.chain, position: row.chain_position },
    transfer: fromUuid('transfer', row.id),
    side: row.side,
    counterAccount: fromUuid('account', row.counter_account_id),
    amount: row.amount_minor,
    asset: row.asset,
    payment: row.payment_id && fromUuid('payment', row.payment_id),
    group: row.group_id && fromUuid('group', row.group_id),
    hold: row.hold_id && fromUuid('hold', row.hold_id),
    reverses: row.reverses_id && fromUuid('transfer', row.reverses_id),
    recordedAt: row.recorded_at,
    effectiveAt: row.effective_at,
  };
}
