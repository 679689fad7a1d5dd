import type { BulkColumn } from '@payflow/database';

/** The present month and those before it. */
export const MONTHS = 24;
const ACCOUNTS = 1_000;
const TENANT = '00000000-0000-7000-8000-000000000000';
const NOW = new Date();

/** The first instant of the month so many after the present one. */
export const monthStart = (after: number): Date =>
  new Date(Date.UTC(NOW.getUTCFullYear(), NOW.getUTCMonth() + after, 1));

const START_MS = monthStart(1 - MONTHS).getTime();
/** Rows that were there before end here; what is added comes after, and still within the month. */
const SPAN_MS = Math.max(NOW.getTime(), monthStart(0).getTime() + 86_400_000) - START_MS;

export interface BenchTransfer {
  readonly at: number;
  readonly recordedAt: Date;
}

/** The `at`th of `rows` transfers that lie evenly over the months; those beyond follow each other by the millisecond. */
export function transferAt(at: number, rows: number): BenchTransfer {
  const after_ms = at < rows ? (at * SPAN_MS) / rows : SPAN_MS + (at - rows) / 1_000;
  return { at, recordedAt: new Date(START_MS + Math.floor(after_ms)) };
}

export function* transfersFrom(first: number, last: number, rows: number): Generator<BenchTransfer> {
  for (let at = first; at < last; at++) yield transferAt(at, rows);
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const account = (nth: number): string => `00000000-0000-7000-9000-${hex(nth, 12)}`;
const idOf = ({ at, recordedAt }: BenchTransfer): string => {
  const time = hex(recordedAt.getTime(), 12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${hex(at, 12)}`;
};
const HASH = Buffer.alloc(32, 7);

export const COLUMNS: readonly BulkColumn<BenchTransfer>[] = [
  ['tenant_id', 'uuid', () => TENANT],
  ['livemode', 'boolean', () => false],
  ['id', 'uuid', idOf],
  ['recorded_at', 'timestamptz', ({ recordedAt }) => recordedAt],
  ['debit_account_id', 'uuid', ({ at }) => account(at % ACCOUNTS)],
  ['credit_account_id', 'uuid', ({ at }) => account((at * 7 + 3) % ACCOUNTS)],
  ['amount_minor', 'bigint', ({ at }) => (at % 9_973) + 1],
  ['asset', 'text', () => 'USD'],
  ['chain', 'smallint', ({ at }) => at % 2],
  ['chain_position', 'bigint', ({ at }) => at],
  ['chain_hash', 'bytea', () => HASH],
];

export interface RangeQuery {
  readonly name: string;
  readonly text: (table: string) => string;
  /** As SQL. */
  readonly values: readonly string[];
  /** A report's: no index is there for it, and it is planned for its dates. */
  readonly isScan: boolean;
}

const sql = (time: Date): string => `'${time.toISOString()}'::timestamptz`;
const uuid = (id: string): string => `'${id}'::uuid`;
const SUM = 'select count(*) as transfers, sum(amount_minor)::text as amount from';

/** What is asked of history by date, and what is not by date at all. */
export function rangeQueries(rows: number): RangeQuery[] {
  const [from, month, quarter] = [monthStart(-9), monthStart(-8), monthStart(-6)];
  const day = new Date(from.getTime() + 86_400_000);
  const one = transferAt(Math.floor(rows / 2), rows);
  const between = (name: string, to: Date): RangeQuery => ({
    name: `${name} of all accounts`,
    text: (table) => `${SUM} ${table} where recorded_at >= $1 and recorded_at < $2`,
    values: [sql(from), sql(to)],
    isScan: true,
  });
  const OF_ACCOUNT = 'tenant_id = $1 and livemode = $2 and debit_account_id = $3';
  const key = [uuid(TENANT), 'false', uuid(account(7))];
  return [
    between('a day', day),
    between('a month', month),
    between('a quarter', quarter),
    {
      name: 'a month of one account',
      text: (table) => `${SUM} ${table} where ${OF_ACCOUNT} and recorded_at >= $4 and recorded_at < $5`,
      values: [...key, sql(from), sql(month)],
      isScan: false,
    },
    {
      name: 'the last 51 of one account',
      text: (table) => `select id, amount_minor from ${table} where ${OF_ACCOUNT} order by recorded_at desc limit 51`,
      values: key,
      isScan: false,
    },
    {
      name: 'one by its id',
      text: (table) => `select id, amount_minor from ${table} where tenant_id = $1 and livemode = $2 and id = $3`,
      values: [uuid(TENANT), 'false', uuid(idOf(one))],
      isScan: false,
    },
    {
      name: 'one by its id and time',
      text: (table) =>
        `select id, amount_minor from ${table} where tenant_id = $1 and livemode = $2 and id = $3 and recorded_at = $4`,
      values: [uuid(TENANT), 'false', uuid(idOf(one)), sql(one.recordedAt)],
      isScan: false,
    },
  ];
}
