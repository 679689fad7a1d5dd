import { setImmediate } from 'node:timers/promises';
import { provisionTestDatabase, type TestDatabase } from '@payflow/testing';
import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SqlMigration } from './migration.js';
import { PARTITION_UPKEEP } from './partition-upkeep.js';
import { PARTITION_FUNCTIONS, TRUNCATE_GUARDS } from './partitions.js';

class Months1764100049002 extends SqlMigration {
  readonly sql = `
${PARTITION_FUNCTIONS}
${TRUNCATE_GUARDS}
${PARTITION_UPKEEP}
create table months (at timestamptz not null) partition by range (at);
create table days (at timestamptz not null) partition by range (at);
insert into maintained_partitions values ('months', '1 month', null), ('days', '1 day', '3 days');`;
}

/** Far ahead and behind, with and without summer time, half an hour of it, and on both sides of every midnight. */
const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
  'Australia/Lord_Howe',
];

interface Due {
  readonly action: string;
  readonly parent: string;
  readonly part: string;
  readonly lower_bound: Date;
  readonly upper_bound: Date;
}

let db: TestDatabase;
let owner: Client;
beforeAll(async () => {
  db = await provisionTestDatabase('spec', [Months1764100049002, {}], 2);
  owner = new Client({ connectionString: db.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await db.drop();
});
beforeEach(() => owner.query("set timezone = 'UTC'"));

const dueAt = async (at: Date, ahead: number) =>
  (await owner.query<Due>('select * from partitions_due_at($1, $2)', [at, ahead])).rows;

describe('the bounds of partitions', () => {
  it('are those of months and days in UTC, at any instant and in any session’s zone', async () => {
    const instants = fc.date({
      min: new Date('1999-12-01T00:00:00Z'),
      max: new Date('2101-04-01T00:00:00Z'),
      noInvalidDate: true,
    });
    const edges = fc
      .tuple(fc.integer({ min: 2023, max: 2029 }), fc.integer({ min: 0, max: 11 }), fc.constantFrom(-1, 0, 1))
      .map(([year, month, ms]) => new Date(Date.UTC(year, month, 1) + ms));
    await fc.assert(
      fc.asyncProperty(fc.oneof(instants, edges), fc.constantFrom(...ZONES), async (at, zone) => {
        await owner.query(`set timezone = '${zone}'`);
        const due = await dueAt(at, 3);
        const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
        const expected = (table: string, instant: (step: number) => number, digits: number) =>
          [-1, 0, 1, 2, 3].map((step) => ({
            action: 'make',
            parent: table,
            part: `${table}_${new Date(instant(step)).toISOString().slice(0, 10).replaceAll('-', '').slice(0, digits)}`,
            lower_bound: new Date(instant(step)),
            upper_bound: new Date(instant(step + 1)),
          }));
        expect(due).toEqual([
          ...expected('days', (step) => Date.UTC(year, month, day + step), 8),
          ...expected('months', (step) => Date.UTC(year, month + step, 1), 6),
        ]);
      }),
      { numRuns: 150 },
    );
  });

  it('follow each other without a gap through summer time and the turn of the year, made in a zone of its own', async () => {
    for (const [month, zone] of [
      ['2026-02-11', 'Europe/Berlin'],
      ['2026-06-30', 'America/New_York'],
      ['2026-10-31', 'Australia/Lord_Howe'],
    ]) {
      await owner.query(`set timezone = '${zone}'`);
      await owner.query('select ensure_partitions_at($1, 4)', [`${month}T12:00:00Z`]);
    }
    await owner.query("set timezone = 'UTC'");
    const { rows } = await owner.query<{ lower_bound: Date; upper_bound: Date }>(
      "select * from partitions_of('months')",
    );
    expect(rows[0]?.lower_bound.toISOString()).toBe('2026-01-01T00:00:00.000Z');
    expect(rows.at(-1)?.upper_bound.toISOString()).toBe('2027-03-01T00:00:00.000Z');
    for (const [at, { lower_bound }] of rows.entries()) expect(lower_bound).toEqual(new Date(Date.UTC(2026, at, 1)));
  });

  it('close the gap that a month made in another zone has left', async () => {
    await owner.query(
      `create table months_203003 partition of months for values from ('2030-03-01Z') to ('2030-03-31 22:00Z')`,
    );
    await owner.query("select ensure_partitions_at('2030-03-15', 1)");
    const { rows } = await owner.query(
      "select from partition_gap('months', '2030-02-01Z', '2030-05-01Z') where gap_from is not null",
    );
    expect(rows).toEqual([]);
    await owner.query("insert into months values ('2030-03-31 23:30Z')");
    expect(
      (await owner.query("select tableoid::regclass::text as part from months where at = '2030-03-31 23:30Z'")).rows,
    ).toEqual([{ part: 'months_rest_203003' }]);
  });

  it('turn under load: no row is refused, none is lost, and each lies in its month', async () => {
    const months_ms = [Date.UTC(2028, 10, 28), Date.UTC(2029, 0, 3)] as const;
    let clock_ms: number = months_ms[0];
    // Hourly upkeep would look some seven hundred times in a month; here it looks at least once in half a day.
    let kept_ms: number = clock_ms;
    let isOver = false;
    await owner.query('select ensure_partitions_at($1, 1)', [new Date(clock_ms)]);
    const upkeep = (async () => {
      while (!isOver) {
        const now_ms = clock_ms;
        const due = await owner.query<Due>('select * from partitions_due_at($1, 1)', [new Date(now_ms)]);
        for (const { action, part } of due.rows)
          await owner.query('select partition_step_at($1, 1, $2, $3)', [new Date(now_ms), action, part]);
        if (due.rows.length === 0) kept_ms = now_ms;
      }
    })();
    const written = await Promise.all(
      [1, 2, 3].map(async (writer) => {
        const client = new Client({ connectionString: db.ownerUrl });
        await client.connect();
        let rows = 0;
        // Each write moves the clock by some hours: the months turn between any two of them.
        while (clock_ms < months_ms[1]) {
          while (clock_ms - kept_ms > 43_200_000) await setImmediate();
          clock_ms += 3_600_000 * writer;
          const at = new Date(clock_ms);
          await client.query('insert into months select $1::timestamptz from generate_series(1, 20)', [at]);
          rows += 20;
        }
        await client.end();
        return rows;
      }),
    );
    isOver = true;
    await upkeep;
    const { rows } = await owner.query<{ rows: number; astray: number; parts: number }>(
      `select count(*)::integer as rows, count(distinct tableoid)::integer as parts,
         (count(*) filter (where tableoid::regclass::text <> 'months_' || to_char(at at time zone 'UTC', 'YYYYMM')))::integer as astray
       from months where at between $1 and '2029-12-31'`,
      [new Date(months_ms[0])],
    );
    expect(rows).toEqual([{ rows: written.reduce((sum, each) => sum + each, 0), astray: 0, parts: 3 }]);
    // Days are kept for three: of November nothing is left.
    const days = await owner.query<{ upper_bound: Date }>(
      "select upper_bound from partitions_of('days') order by 1 limit 1",
    );
    expect(days.rows[0]?.upper_bound.getTime()).toBeGreaterThan(months_ms[1] - 5 * 86_400_000);
  });
});
