import { copyRows, Unnested } from '@payflow/database';
import { format, spread, type Spread } from '@payflow/ledger/bench/measure';
import type { Client } from 'pg';
import { explained, type Execution } from '../indexes/plan.js';
import { openBenchDatabase } from './bench-database.js';
import {
  COLUMNS,
  MONTHS,
  monthStart,
  rangeQueries,
  transferAt,
  transfersFrom,
  type RangeQuery,
} from './partition-work.js';

/**
 * The ledger's transfers by month against the same in one table, with the same rows and indexes, on one server, in turns. Ends with
 * 1 where the two give different answers, or rows are added to the months at less than 0.95 of the other's rate and the turns agree about it.
 */
const SIZES = { smoke: { rows: 1_000_000, pairs: 7 }, full: { rows: 10_000_000, pairs: 7 } };
const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];
const serverUrl = process.env['POSTGRES_URL'] ?? '';
const [MONTHLY, WHOLE] = ['transfers', 'transfers_whole'];
const INSERT_RATIO_MIN = 0.95;
const BATCH = 500;
const BATCHES = 60;

/** Alternately the one and the other, who begins changing with each turn; the first turn only warms up. */
async function inTurns<T>(work: (table: string) => Promise<T>): Promise<{ monthly: T; whole: T }[]> {
  const pairs: { monthly: T; whole: T }[] = [];
  for (let turn = -1; turn < size.pairs; turn++) {
    const order = turn % 2 === 0 ? [MONTHLY, WHOLE] : [WHOLE, MONTHLY];
    const [first, second] = [await work(order[0] as string), await work(order[1] as string)];
    if (turn >= 0) pairs.push(turn % 2 === 0 ? { monthly: first, whole: second } : { monthly: second, whole: first });
  }
  return pairs;
}

async function prepare(admin: Client, url: string): Promise<string[]> {
  // Rows are changed and removed here; the triggers of history would not have it.
  await admin.query('set session_replication_role = replica');
  // Each call makes a month and the one before it.
  for (let back = MONTHS - 2; back >= 0; back--)
    await admin.query('select ensure_partitions_at($1, 0)', [monthStart(-back)]);
  await admin.query(`create table ${WHOLE} (like ${MONTHLY} including all)`);
  const { rows: indexes } = await admin.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as definition
     from pg_index where indrelid = any ($1::regclass[]) and not indisprimary`,
    [[MONTHLY, WHOLE]],
  );
  for (const { name } of indexes) await admin.query(`drop index ${name}`);
  await copyRows(
    url,
    { table: MONTHLY, columns: COLUMNS, prepare: 'set session_replication_role = replica' },
    transfersFrom(0, size.rows, size.rows),
  );
  await admin.query(`insert into ${WHOLE} select * from ${MONTHLY}`);
  for (const { definition } of indexes) await admin.query(definition);
  await admin.query(`vacuum analyze ${MONTHLY}`);
  await admin.query(`vacuum analyze ${WHOLE}`);
  await admin.query('checkpoint');
  const { rows } = await admin.query<{ name: string }>('select name from partitions_of($1)', [MONTHLY]);
  return rows.map(({ name }) => name);
}

interface Compared {
  readonly name: string;
  readonly monthly: Execution;
  readonly whole: Execution;
  readonly monthly_ms: Spread;
  readonly whole_ms: Spread;
  readonly times: Spread;
}

async function compare(admin: Client, { name, text, values, isScan }: RangeQuery): Promise<Compared> {
  const pairs = await inTurns((table) => explained(admin, { text: text(table), values, isPlannedForValues: isScan }));
  const last = pairs.at(-1) as (typeof pairs)[number];
  return {
    name,
    ...last,
    monthly_ms: spread(pairs.map(({ monthly }) => monthly.time_ms)),
    whole_ms: spread(pairs.map(({ whole }) => whole.time_ms)),
    times: spread(pairs.map(({ monthly, whole }) => whole.time_ms / monthly.time_ms)),
  };
}

/** Queries to which the two give other answers. */
async function differing(admin: Client, queries: readonly RangeQuery[]): Promise<string[]> {
  const broken: string[] = [];
  for (const { name, text, values } of queries) {
    const answerOf = async (table: string) => {
      await admin.query(`prepare answer as ${text(table)}`);
      const { rows } = await admin.query(`execute answer(${values.join(', ')})`);
      await admin.query('deallocate answer');
      return JSON.stringify(rows);
    };
    if ((await answerOf(MONTHLY)) !== (await answerOf(WHOLE))) broken.push(name);
  }
  return broken;
}

/** Rows a second, as the ledger adds them: sets of 500, each with its commit. */
async function insertRates(admin: Client): Promise<{ monthly: number; whole: number }[]> {
  const set = new Unnested(COLUMNS);
  let at = size.rows;
  return inTurns(async (table) => {
    const rows = Array.from({ length: BATCH * BATCHES }, () => transferAt(at++, size.rows));
    const text = `insert into ${table} (${set.names}) select * from ${set.from()}`;
    const batches = Array.from({ length: BATCHES }, (_, batch) => rows.slice(batch * BATCH, (batch + 1) * BATCH));
    const startedAt = performance.now();
    for (const batch of batches)
      for (const values of set.batches(batch)) await admin.query({ name: `insert-${table}`, text, values });
    return (rows.length * 1000) / (performance.now() - startedAt);
  });
}

/** What it takes to be rid of the oldest month, ms. */
async function retire(admin: Client, oldest: string): Promise<{ monthly_ms: number; whole_ms: number }> {
  const timed = async (text: string) => {
    const startedAt = performance.now();
    await admin.query(text);
    return performance.now() - startedAt;
  };
  const monthly_ms =
    (await timed(`alter table ${MONTHLY} detach partition ${oldest}`)) + (await timed(`drop table ${oldest}`));
  const until = monthStart(2 - MONTHS).toISOString();
  return { monthly_ms, whole_ms: await timed(`delete from ${WHOLE} where recorded_at < '${until}'`) };
}

function show({ name, monthly, whole, monthly_ms, whole_ms, times }: Compared): string {
  const read = (execution: Execution) => `${execution.plan} (${execution.tables} read, ${execution.pruned} pruned)`;
  return [
    `${name}: ${format(times, 2)} × faster by month`,
    `    by month   ${format(monthly_ms, 2)} ms  ${read(monthly)}`,
    `    one table  ${format(whole_ms, 2)} ms  ${whole.plan}`,
  ].join('\n');
}

async function main(): Promise<void> {
  const { admin, adminUrl, drop } = await openBenchDatabase(serverUrl, 'ledger');
  const parts = await prepare(admin, adminUrl);
  const queries = rangeQueries(size.rows);
  const broken = await differing(admin, queries);
  const compared: Compared[] = [];
  for (const query of queries) compared.push(await compare(admin, query));
  const rates = await insertRates(admin);
  const insertRatio = spread(rates.map(({ monthly, whole }) => monthly / whole));
  await admin.query(`create index ${WHOLE}_by_time on ${WHOLE} (recorded_at)`);
  await admin.query(`vacuum analyze ${WHOLE}`);
  for (const query of queries.filter(({ isScan }) => isScan))
    compared.push(await compare(admin, { ...query, name: `${query.name}, one table with an index on time` }));
  const retired = await retire(admin, parts[0] as string);
  await drop();
  const monthlyRate = spread(rates.map(({ monthly }) => monthly));
  const wholeRate = spread(rates.map(({ whole }) => whole));
  process.stderr.write(
    `\ntransfers in ${parts.length} months against one table, ${size.rows.toLocaleString('en')} rows, ${size.pairs} turns: median (min to max)\n` +
      `${parts.join(' ')}\n\n${compared.map(show).join('\n')}\n\n` +
      `rows added per second, sets of ${BATCH}: by month ${format(monthlyRate)}, one table ${format(wholeRate)}, ratio ${format(insertRatio, 2)}\n` +
      `rid of the oldest month: by month ${retired.monthly_ms.toFixed(0)} ms, one table ${retired.whole_ms.toFixed(0)} ms\n` +
      `${broken.length === 0 ? 'both give the same answers' : `DIFFERENT ANSWERS, the figures are void: ${broken.join('; ')}`}\n`,
  );
  process.stdout.write(
    `${JSON.stringify({ benchmark: 'partitions', settings: size, parts, compared, monthlyRate, wholeRate, insertRatio, retired, broken })}\n`,
  );
  if (broken.length > 0 || (!insertRatio.noisy && insertRatio.median < INSERT_RATIO_MIN)) process.exitCode = 1;
}

await main();
