import { SqlMigration, statement, type Database } from '@payflow/database';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { provisionTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { watchStatements } from './query-care.js';

const SECRET = 'sk_live_never_in_a_log';
const SLOW = statement('spec.slow', 'select name, pg_sleep($2) from things where name = $1');
const QUICK = statement('spec.quick', 'select 1');
const TOO_LATE = statement('spec.too-late', 'select pg_sleep(20)');

class Things1764100030900 extends SqlMigration {
  readonly sql = `create table things (id bigint primary key, name text not null);
    insert into things select n, 'thing ' || n from generate_series(1, 100) n;
    insert into things values (0, '${SECRET}');`;
}

interface Line {
  readonly level: string;
  readonly statement: string;
  readonly duration_ms: number;
  readonly rows?: number;
  readonly plan?: string;
  readonly no_plan?: string;
  readonly failed?: string;
  readonly suppressed?: number;
}

describe('statements that are slow', () => {
  let db: TestDatabase;
  let unwatch: () => void;
  let written = '';

  const lines = (): Line[] =>
    written
      .split('\n')
      .filter((line) => line.includes('slow statement'))
      .map((line) => JSON.parse(line) as Line);
  const lineOf = (name: string): Promise<Line> =>
    until(`a line about ${name}`, () => lines().find((line) => line.statement === name));

  beforeAll(async () => {
    configureLogging({ level: 'info', stream: { write: (text: string) => void (written += text) } });
    db = await provisionTestDatabase('care', [Things1764100030900, {}]);
  });
  beforeEach(() => {
    written = '';
    unwatch?.();
    unwatch = watchStatements(db.database, 100);
  });
  afterAll(async () => {
    unwatch();
    await db.drop();
  });

  it('are logged with name, duration, rows and plan, and without a value of any parameter', async () => {
    await db.database.rows(SLOW, [SECRET, 0.15]);
    const line = await lineOf('spec.slow');
    expect(line).toMatchObject({ level: 'warn', rows: 1 });
    expect(line.duration_ms).toBeGreaterThanOrEqual(150);
    expect(line.plan).toMatch(/Seq Scan on things[^]*Filter: \(name = \$1\)/);
    expect(written).not.toContain(SECRET);
    const { body } = await renderMetrics();
    expect(body).toContain('payflow_database_slow_statements_total{statement="spec.slow"} 1');
  });

  it('are errors from a second on', async () => {
    await db.database.rows(SLOW, ['thing 1', 1.01]);
    expect((await lineOf('spec.slow')).level).toBe('error');
  });

  it('are told when they fail, by the state that the server gave', async () => {
    await db.database
      .transaction(async (tx) => {
        await tx.rows(statement('spec.limit', `select set_config('statement_timeout', '120ms', true)`));
        await tx.rows(TOO_LATE);
      })
      .catch(() => undefined);
    const line = await lineOf('spec.too-late');
    expect(line.failed).toBe('57014');
    expect(line.rows).toBeUndefined();
  });

  it('do not take the blame for one before them in the pipeline, and quick ones are not told', async () => {
    await db.database.transaction(async (tx) => {
      await Promise.all([tx.rows(SLOW, ['thing 1', 0.12]), tx.rows(QUICK), tx.rows(QUICK)]);
    });
    await lineOf('spec.slow');
    expect(lines().map((line) => line.statement)).toEqual(['spec.slow']);
  });

  it('are logged without a plan where all connections are taken', async () => {
    const [{ max } = { max: 0 }] = db.database.pools();
    await Promise.all(Array.from({ length: max + 1 }, () => db.database.rows(SLOW, ['thing 2', 0.15])));
    expect((await lineOf('spec.slow')).no_plan).toBe('no_idle_connection');
  });

  it('end nothing where they cannot be told of', async () => {
    unwatch();
    const closed = {
      pools: () => {
        throw new Error('the pools are closed');
      },
    } as unknown as Database;
    unwatch = watchStatements(closed, 100);
    await db.database.rows(SLOW, ['thing 3', 0.15]);
    await until('it is said', () => /the pools are closed.*a slow statement could not be told/.test(written));
  });

  it('leave the connection that explained them as it was', async () => {
    await db.database.rows(SLOW, ['thing 1', 0.11]);
    await lineOf('spec.slow');
    const left = await db.database.rows(
      statement('spec.left', `select name from pg_prepared_statements where name = 'payflow_explained'`),
    );
    expect(left).toEqual([]);
    for (const { idle, total } of db.database.pools()) expect(idle).toBe(total);
  });
});

it('counts what TypeORM makes up against the share of the prepared', async () => {
  const db = await provisionTestDatabase('counted', [Things1764100030900, {}]);
  const unwatch = watchStatements(db.database, 100);
  const counts = async () => {
    const { body } = await renderMetrics();
    const count = (prepared: boolean) =>
      Number(new RegExp(`payflow_database_statements_total{prepared="${prepared}"} (\\d+)`).exec(body)?.[1]);
    return { prepared: count(true), unprepared: count(false) };
  };
  const before = await counts();
  await db.database.source.query('select name from things where id = $1', [1]);
  await db.database.transaction(async (tx) => void (await tx.rows(QUICK)));
  const after = await counts();
  unwatch();
  await db.drop();
  expect(after).toEqual({ prepared: before.prepared + 1, unprepared: before.unprepared + 1 });
});
