import { SERVICES, type Service } from '@payflow/contracts';
import { format, spread, type Spread } from '@payflow/ledger/bench/measure';
import type { Client } from 'pg';
import { OWNER, uuid, type IndexUse } from '../indexes/index-use.js';
import { execute, type Execution } from '../indexes/plan.js';
import { INDEXES, SHARED_INDEXES } from '../indexes/registry.js';
import { seedTables } from '../indexes/seeding.js';
import { openBenchDatabase } from './bench-database.js';

/**
 * What each index saves: every registered query with it, and with it gone, in turns. Ends with 1 where a query does not go by its
 * index. What is measured is the server's own time, of the plan for any values.
 */
const SIZES = { smoke: { rows: 100_000, pairs: 5 }, full: { rows: 1_000_000, pairs: 5 } };
const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];
const serverUrl = process.env['POSTGRES_URL'] ?? '';

/** Look-ups that go by the key of a table: without it there is no other way than through all. */
const BY_KEY: Partial<Record<Service, readonly IndexUse[]>> = {
  gateway: [
    { index: 'account_views_pkey', query: 'account-views.find', values: [...OWNER, uuid(7)] },
    { index: 'payment_views_pkey', query: 'payment-views.find', values: [...OWNER, uuid(7)] },
    { index: 'transfer_views_pkey', query: 'transfer-views.find', values: [...OWNER, uuid(7)] },
  ],
  ledger: [
    { index: 'accounts_pkey', query: 'reads.account-facts', values: [...OWNER, uuid(7)] },
    { index: 'transfers_pkey', query: 'reads.transfer', values: [...OWNER, uuid(7)] },
  ],
};

interface Comparison {
  readonly use: IndexUse;
  readonly by: Execution;
  readonly without: Execution;
  readonly with_ms: Spread;
  readonly without_ms: Spread;
  readonly less_percent: Spread;
}

/** Takes an index away until the transaction ends: by then it was never gone. */
async function removalOf(admin: Client, index: string): Promise<string> {
  const { rows } = await admin.query<{ removal: string }>(
    `select coalesce((select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
       where conindid = $1::regclass and contype in ('p', 'u') limit 1), format('drop index %I', $1)) as removal`,
    [index],
  );
  return (rows[0] as { removal: string }).removal;
}

async function compare(admin: Client, use: IndexUse): Promise<Comparison> {
  const removal = await removalOf(admin, use.index);
  const pairs: { by: Execution; without: Execution }[] = [];
  // Who begins changes with each turn; the first only warms up.
  for (let turn = -1; turn < size.pairs; turn++) {
    const order = turn % 2 === 0 ? ['', removal] : [removal, ''];
    const [first, second] = [await execute(admin, use, order[0]), await execute(admin, use, order[1])];
    if (turn >= 0) pairs.push(turn % 2 === 0 ? { by: first, without: second } : { by: second, without: first });
  }
  const last = pairs.at(-1) as (typeof pairs)[number];
  return {
    use,
    ...last,
    with_ms: spread(pairs.map(({ by }) => by.time_ms)),
    without_ms: spread(pairs.map(({ without }) => without.time_ms)),
    less_percent: spread(pairs.map(({ by, without }) => 100 * (1 - by.time_ms / without.time_ms))),
  };
}

async function comparisonsOf(service: Service): Promise<Comparison[]> {
  const { uses, seeds } = service === 'monitoring' ? SHARED_INDEXES : INDEXES[service];
  const { admin, drop } = await openBenchDatabase(serverUrl, service);
  try {
    await admin.query('select ensure_partitions(2)');
    await seedTables(admin, seeds, size.rows);
    const comparisons: Comparison[] = [];
    for (const use of [...uses.filter(({ values }) => values !== undefined), ...(BY_KEY[service] ?? [])])
      comparisons.push(await compare(admin, use));
    return comparisons;
  } finally {
    await drop();
  }
}

function show({ use, by, without, with_ms, without_ms, less_percent }: Comparison): string {
  return [
    `${use.query} by ${use.index}: ${format(less_percent, 1)} % less time`,
    `    with     ${format(with_ms, 2)} ms  ${by.plan}`,
    `    without  ${format(without_ms, 2)} ms  ${without.plan}`,
  ].join('\n');
}

async function main(): Promise<void> {
  const all: Comparison[] = [];
  for (const service of SERVICES) all.push(...(await comparisonsOf(service)));
  const unused = all.filter(({ use, by }) => !by.indexes.has(use.index));
  process.stderr.write(
    `\nevery registered query with its index and without it, ${size.rows.toLocaleString('en')} rows a table, ${size.pairs} turns: median (min to max)\n\n` +
      `${all.map(show).join('\n')}\n\n` +
      (unused.length === 0
        ? 'every query goes by its index\n'
        : `NOT BY THEIR INDEX: ${unused.map(({ use, by }) => `${use.query}, ${use.index}: ${by.plan}`).join('; ')}\n`),
  );
  const results = all.map(({ use: { query, index }, by, without, ...figures }) => ({
    query,
    index,
    ...figures,
    plan: by.plan,
    planWithout: without.plan,
  }));
  process.stdout.write(`${JSON.stringify({ benchmark: 'indexes', settings: size, results })}\n`);
  if (unused.length > 0) process.exitCode = 1;
}

await main();
