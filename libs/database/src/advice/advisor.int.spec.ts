import { provisionTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SqlMigration } from '../migration.js';
import { statement, type Statement } from '../statement.js';
import { LIMITS, type Advice } from './advice.js';
import { statementCounts } from './busiest.js';
import { realIndexes, tryOut } from './hypothetical.js';
import { reportFrom, suggest } from './report.js';

const ROWS = 60_000;
/** What was planted cannot be watched for a week, and need be neither large nor slow: a quick machine has it too. */
const SHORT = { ...LIMITS, observed_s_min: 0, bloat_bytes_min: 512 * 1024, mean_ms_min: 0, pruning_total_ms_min: 0 };

const FILL_LINES = `insert into lines select n, 1, 'a line of its own' from generate_series(1, ${ROWS}) n`;
/** As they were. VACUUM FULL would keep what somebody may still see, and that is anybody who connects to the server just then. */
const LINES_AGAIN = ['truncate lines', FILL_LINES, 'vacuum (analyze) lines'];

/** Orders that are found by reference and listed by time, readings by month, lines of an order. */
class Shop1764100030910 extends SqlMigration {
  readonly sql = `
create table orders (id bigint primary key, tenant_id integer not null, reference text not null, status text not null, created_at timestamptz not null);
create index orders_reference on orders (tenant_id, reference);
create index orders_created on orders (tenant_id, created_at);
insert into orders select n, n % 7, 'order ' || n, 'open', timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, ${ROWS}) n;
create table lines (order_id bigint not null, position integer not null, text text not null, primary key (order_id, position));
${FILL_LINES};
create table readings (month date not null, sensor integer not null, reading integer not null, primary key (month, sensor)) partition by range (month);
${[1, 2, 3, 4].map((month) => `create table readings_${month} partition of readings for values from ('2026-0${month}-01') to ('2026-0${month + 1}-01');`).join('\n')}
insert into readings select date '2026-01-01' + (n % 4) * interval '1 month', n, n from generate_series(1, ${ROWS}) n;`;
}

const BY_REFERENCE = statement('spec.by-reference', 'select id from orders where tenant_id = $1 and reference = $2');
const BY_TIME = statement(
  'spec.by-time',
  'select id from orders where tenant_id = $1 order by created_at desc limit 20',
);
const BY_STATUS = statement('spec.by-status', 'select id from orders where status = $1');
const LINES = statement('spec.lines', 'select text from lines where order_id = any ($1::bigint[])');
const LINE = statement('spec.line', 'select text from lines where order_id = $1');
const READING = statement('spec.reading', 'select reading from readings where month = $1 and sensor = $2');
const ALL_READINGS = statement('spec.all-readings', 'select count(*) from readings where reading % 100 = $1::integer');
const FLUSH = statement('spec.flush', 'select pg_stat_force_next_flush()');

describe('the advisor', () => {
  let db: TestDatabase;
  let admin: Client;
  let asService: Client;

  beforeAll(async () => {
    db = await provisionTestDatabase('advised', [Shop1764100030910, {}], 1);
    admin = new Client({ connectionString: db.adminUrl });
    asService = new Client({ connectionString: db.url });
    await Promise.all([admin.connect(), asService.connect()]);
    await admin.query('vacuum (analyze)');
  });
  beforeEach(async () => {
    await admin.query(
      `select statistics.pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)`,
    );
    await admin.query('select pg_stat_reset()');
  });
  afterAll(async () => {
    await Promise.all([admin.end(), asService.end()]);
    await db.drop();
  });

  const run = async (one: Statement, times: number, values: (at: number) => unknown[]) => {
    for (let at = 0; at < times; at++) await db.database.rows(one, values(at));
    await db.database.rows(FLUSH);
  };
  /** What the service does when all is well. */
  async function work(): Promise<void> {
    await run(BY_REFERENCE, 600, (at) => [at % 7, `order ${at}`]);
    await run(BY_TIME, 400, (at) => [at % 7]);
    await run(LINES, 30, (at) => [Array.from({ length: 40 }, (_, line) => at * 40 + line)]);
    await run(READING, 30, (at) => ['2026-02-01', at]);
  }
  const advices = async (): Promise<readonly Advice[]> => (await suggest(asService, SHORT)).advices;
  const told = async () => (await advices()).map(({ kind, subject }) => `${kind} ${subject}`);

  it('has nothing to say of a base that is well', async () => {
    await work();
    expect(await told()).toEqual([]);
  });

  it('tells the sizes of tables and indexes, partitions together, and names its statements', async () => {
    await work();
    const suggested = await suggest(asService, SHORT);
    const { tables, uncounted } = reportFrom(suggested);
    expect(uncounted).toBeNull();
    const readings = tables.find(({ table }) => table === 'readings');
    expect(readings).toMatchObject({ partitions: 4, rows: ROWS });
    expect(readings?.bytes).toBeGreaterThan(ROWS * 30);
    expect(readings?.indexes).toMatchObject([{ index: 'readings_pkey', scans: 30 }]);
    const names = suggested.facts.statements.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['spec.by-reference', 'spec.lines', 'spec.reading']));
  });

  describe('finds', () => {
    const undo: string[] = [];
    const plant = async (text: string, ...after: string[]) => {
      for (const one of text.split(';')) await admin.query(one);
      await admin.query(FLUSH.text);
      undo.push(...after);
    };
    afterEach(async () => {
      for (const text of undo.splice(0)) await admin.query(text);
    });

    it('an index that was dropped, and that it would help', async () => {
      await plant('drop index orders_reference', 'create index orders_reference on orders (tenant_id, reference)');
      await work();
      const [advice, ...others] = await advices();
      expect(others).toEqual([]);
      expect(advice).toMatchObject({
        kind: 'missing_index',
        subject: 'orders (tenant_id, reference)',
        statements: ['create index concurrently orders_tenant_id_reference_idx on orders (tenant_id, reference)'],
        lock: expect.stringMatching(/SHARE UPDATE EXCLUSIVE/),
      });
      expect(advice?.evidence).toMatch(
        /^spec\.by-reference \(600 times, [\d.]+ ms each\) reads many of the 60000 rows of orders to keep/,
      );
      const [proven] = await tryOut(admin, [advice as Advice], realIndexes(admin));
      expect(proven?.gain).toMatch(/tried out, the planner's cost falls from \d+ to \d+ \(\d\d+ times less\)$/);
    });

    it('an index that was dropped, where no other helps a little', async () => {
      await plant(
        'alter table lines drop constraint lines_pkey',
        'alter table lines add primary key (order_id, position)',
      );
      await run(LINE, 30, (at) => [at + 10]);
      const [advice, ...others] = await advices();
      expect(others).toEqual([]);
      expect(advice).toMatchObject({ kind: 'missing_index', subject: 'lines (order_id)' });
      expect(advice?.evidence).toMatch(/reads all 60000 rows of lines/);
    });

    it('a candidate that would bring nothing, and drops it', async () => {
      const candidate = { table: 'orders', columns: ['status'], text: BY_STATUS.text };
      const advice = { kind: 'missing_index', subject: 'orders (status)', candidate } as unknown as Advice;
      expect(await tryOut(admin, [advice], realIndexes(admin))).toEqual([]);
    });

    it('an index that another one makes needless: the same again, and a beginning of it', async () => {
      await plant(
        'create index orders_again on orders (tenant_id, created_at); create index orders_tenant on orders (tenant_id)',
        'drop index orders_again',
        'drop index orders_tenant',
      );
      const found = await advices();
      expect(found.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
        'duplicate_index orders_created',
        'duplicate_index orders_tenant',
      ]);
      expect(found[1]?.statements).toEqual(['drop index concurrently orders_tenant']);
    });

    it('an index that nothing uses', async () => {
      await plant('create index orders_status on orders (status)', 'drop index orders_status');
      await work();
      expect(await told()).toEqual(['unused_index orders_status']);
    });

    it('an index whose columns stand in the wrong order', async () => {
      await plant(
        'drop index orders_reference; create index orders_turned on orders (created_at, tenant_id, reference)',
        'drop index orders_turned',
        'create index orders_reference on orders (tenant_id, reference)',
      );
      await run(BY_REFERENCE, 30, (at) => [at % 7, `order ${at}`]);
      const [advice, ...others] = await advices();
      expect(others).toEqual([]);
      expect(advice).toMatchObject({ kind: 'wrong_column_order', subject: 'orders_turned' });
      expect(advice?.statements[0]).toContain('(tenant_id, reference)');
    });

    it('an index that was left unfinished', async () => {
      await plant(
        `create index orders_broken on orders (status, id); update pg_index set indisvalid = false where indexrelid = 'orders_broken'::regclass`,
        'drop index orders_broken',
      );
      expect(await told()).toEqual(['invalid_index orders_broken']);
    });

    it('a plan that goes by statistics of long ago', async () => {
      await plant(
        `alter table lines set (autovacuum_enabled = off);
         insert into lines select 1, n, 'all of one order' from generate_series(2, ${ROWS}) n`,
        'alter table lines reset (autovacuum_enabled)',
        ...LINES_AGAIN,
      );
      await run(LINE, 25, () => [1]);
      const found = (await advices()).find(({ kind }) => kind === 'stale_statistics');
      expect(found?.subject).toBe('lines');
      expect(found?.evidence).toMatch(
        /rows of lines have changed and no ANALYZE of it is on record .*; spec\.line is planned for \d rows and returns 60000$/,
      );
      expect(found?.statements).toEqual(['analyze lines']);
    });

    it('a table and an index that are mostly air, and dead rows', async () => {
      await plant(
        `alter table lines set (autovacuum_enabled = off); delete from lines where order_id > 6000`,
        `insert into lines select n, 1, 'a line of its own' from generate_series(6001, ${ROWS}) n`,
        'alter table lines reset (autovacuum_enabled)',
        ...LINES_AGAIN,
      );
      await until('the dead rows are counted', async () => (await told()).includes('vacuum_debt lines'));
      await admin.query('vacuum (analyze, truncate off, index_cleanup on) lines');
      const found = await told();
      expect(found).toContain('bloated_table lines');
      expect(found).toContain('bloated_index lines_pkey');
      const table = (await advices()).find(({ kind }) => kind === 'bloated_table');
      expect(table).toMatchObject({
        statements: ['vacuum (full, analyze) lines'],
        lock: expect.stringMatching(/^ACCESS EXCLUSIVE/),
      });
    });

    it('a statement that looks into every partition, and only that', async () => {
      await run(READING, 30, (at) => ['2026-02-01', at]);
      await run(ALL_READINGS, 25, (at) => [at]);
      expect(await told()).toEqual(['pruning_miss spec.all-readings on readings']);
    });

    it('a statement that is executed once for each row of another', async () => {
      await run(BY_TIME, 30, (at) => [at % 7]);
      await run(LINE, 600, (at) => [at + 10]);
      const [advice, ...others] = await advices();
      expect(others).toEqual([]);
      expect(advice).toMatchObject({ kind: 'repeated_statement', subject: 'spec.line', statements: [] });
      expect(advice?.evidence).toBe(
        'spec.line was executed 600 times, once for each of the 600 rows of spec.by-time, which was executed 30 times',
      );
    });
  });

  it('takes counts that cannot be read for none that are told', async () => {
    await run(BY_TIME, 1, (at) => [at % 7]);
    expect((await statementCounts(asService))?.map((one) => one.statement)).toContain('spec.by-time');
    await admin.query('revoke select on statistics.pg_stat_statements from public');
    expect(await statementCounts(asService)).toBeNull();
    await admin.query('grant select on statistics.pg_stat_statements to public');
  });

  it('says that statements are not counted where the extension is missing, and advises on the rest', async () => {
    await admin.query('drop extension pg_stat_statements');
    await admin.query('create index orders_tenant on orders (tenant_id)');
    const { facts, advices } = await suggest(asService, SHORT);
    expect(facts.uncounted).toBe('the extension pg_stat_statements is not there');
    expect(await statementCounts(asService)).toBeNull();
    expect(advices.map(({ subject }) => subject)).toEqual(['orders_tenant']);
  });
});
