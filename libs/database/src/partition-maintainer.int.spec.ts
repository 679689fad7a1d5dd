import { provisionTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onStatement } from './care/statement-events.js';
import { openDatabase } from './database.js';
import { SqlMigration } from './migration.js';
import { PartitionMaintainer, type PartitionStep, type StepLeft } from './partition-maintainer.js';
import { PARTITION_UPKEEP } from './partition-upkeep.js';
import { PARTITION_FUNCTIONS, TRUNCATE_GUARDS } from './partitions.js';
import type { Rights } from './rights.js';
import { statement } from './statement.js';

class Dated1764100049001 extends SqlMigration {
  readonly sql = `
${PARTITION_FUNCTIONS}
${TRUNCATE_GUARDS}
${PARTITION_UPKEEP}
create table history (id integer, at timestamptz not null, primary key (id, at)) partition by range (at);
create index history_by_time on history (at);
create function refuse() returns trigger language plpgsql as $$ begin raise 'never' using errcode = 'insufficient_privilege'; end $$;
create trigger history_append_only before update or delete on history for each row execute function refuse();
select guard_history('history', 'refuse');
create table letters (at timestamptz not null, sent boolean not null) partition by range (at);
insert into maintained_partitions values ('history', '1 month', null, null), ('letters', '1 day', '3 days', 'not sent');`;
}

const RIGHTS: Rights = {
  maintained_partitions: { insert: false },
  partition_lease: { insert: false, update: ['holder', 'held_until'] },
};
const AHEAD = 3;
const DAY_MS = 86_400_000;
const dayOf = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const nameOf = (days: number) => `letters_${dayOf(days).replaceAll('-', '')}`;

let db: TestDatabase;
let owner: Client;
let maintainer: PartitionMaintainer;

beforeEach(async () => {
  db = await provisionTestDatabase('spec', [Dated1764100049001, RIGHTS], 4);
  owner = new Client({ connectionString: db.ownerUrl });
  await owner.connect();
  maintainer = new PartitionMaintainer(db.database, AHEAD);
});
afterEach(async () => {
  await owner.end();
  await db.drop();
});

const partitionsOf = async (table: string) =>
  (await owner.query<{ name: string }>('select name from partitions_of($1)', [table])).rows.map(({ name }) => name);
const isThere = async (table: string) =>
  (await owner.query<{ there: boolean }>('select to_regclass($1) is not null as there', [table])).rows[0]?.there;
const letLeaseRunOut = () => owner.query("update partition_lease set held_until = '-infinity'");
const addDay = (days: number) =>
  owner.query(
    `create table ${nameOf(days)} partition of letters for values from ('${dayOf(days)}') to ('${dayOf(days + 1)}')`,
  );
const done = async (steps: AsyncIterable<PartitionStep | StepLeft>) => {
  const names: string[] = [];
  for await (const each of steps) names.push('error' in each ? `left ${each.step.action}` : each.action);
  return names;
};

/** As if the process died after `count` steps: nothing is given back. */
async function killedAfter(count: number): Promise<number> {
  const steps = new PartitionMaintainer(db.database, AHEAD).steps();
  for (let step = 0; step < count; step++) if ((await steps.next()).done) return step;
  return count;
}

async function expectAllWell(): Promise<void> {
  expect(await maintainer.due()).toEqual([]);
  expect(await maintainer.countAhead()).toEqual([
    { table: 'history', partitions: AHEAD },
    { table: 'letters', partitions: AHEAD },
  ]);
  expect(await partitionsOf('letters')).toEqual([-1, 0, 1, 2, 3].map(nameOf));
  const { rows } = await owner.query(
    `select c.relname from pg_class c where relkind = 'r' and not relispartition and relname ~ '^(letters|history)_'`,
  );
  expect(rows).toEqual([]);
}

describe('the maintainer', () => {
  it('makes what is to come with indexes, keys and guards, and retires what has outlived its use', async () => {
    for (const days of [-5, -6]) await addDay(days);
    await owner.query('insert into letters values ($1, true)', [dayOf(-5)]);
    const names = await done(maintainer.steps());
    expect([...new Set(names)].sort()).toEqual(['attach', 'detach', 'drop', 'make']);
    await expectAllWell();
    const [present = ''] = await partitionsOf('history');
    const { rows: indexes } = await owner.query('select from pg_index where indrelid = $1::regclass', [present]);
    expect(indexes).toHaveLength(2);
    for (const text of [`truncate ${present}`, 'delete from history', `update ${present} set id = 2`]) {
      await owner.query(`insert into history values (1, now()) on conflict do nothing`);
      const target = text.replace(present, (await partitionsOf('history'))[1] ?? '');
      await expect(owner.query(target)).rejects.toThrow('never');
    }
  });

  it('keeps a partition with a row that is still needed, and retires it once it is not', async () => {
    await addDay(-5);
    await owner.query('insert into letters values ($1, false)', [dayOf(-5)]);
    expect(await maintainer.run()).toEqual([]);
    expect(await partitionsOf('letters')).toContain(nameOf(-5));
    await owner.query('update letters set sent = true');
    expect(await maintainer.run()).toEqual([]);
    await expectAllWell();
  });

  // Ten made, two detached, ten attached, two dropped.
  it.each([0, 1, 9, 10, 11, 12, 13, 21, 22, 23])('killed after step %i, the next run completes it', async (count) => {
    for (const days of [-5, -6]) await addDay(days);
    const killed = await killedAfter(count);
    if (killed > 0) {
      expect(await maintainer.run()).toEqual([]);
      expect(await maintainer.due(), 'the lease was another’s').not.toEqual([]);
    }
    await letLeaseRunOut();
    expect(await maintainer.run()).toEqual([]);
    await expectAllWell();
  });

  it('whose backend dies inside a step leaves nothing half done', async () => {
    const blocker = new Client({ connectionString: db.ownerUrl });
    await blocker.connect();
    await blocker.query('begin; lock table history in share update exclusive mode');
    const admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    const run = maintainer.run().then(
      () => 'ended',
      (error: Error) => error.message,
    );
    await until('a step waits for the lock', async () => {
      const { rowCount } = await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like '%partition_step%' and pid <> pg_backend_pid()`,
      );
      return rowCount === 1;
    });
    expect(await run).toMatch(/terminat/);
    await admin.end();
    await blocker.query('commit');
    await blocker.end();
    await letLeaseRunOut();
    // The pool may not have heard yet that the connection is gone.
    const left = await until('the next run ends', () => maintainer.run().catch(() => undefined));
    expect(left).toEqual([]);
    await expectAllWell();
  });

  it('completes a concurrent detach that was interrupted', async () => {
    await maintainer.run();
    await addDay(-5);
    const reader = new Client({ connectionString: db.ownerUrl });
    const operator = new Client({ connectionString: db.ownerUrl });
    const admin = new Client({ connectionString: db.adminUrl });
    await Promise.all([reader.connect(), operator.connect(), admin.connect()]);
    await reader.query('begin; select from letters');
    const { rows } = await operator.query<{ pid: number }>('select pg_backend_pid() as pid');
    const detaching = operator
      .query(`alter table letters detach partition ${nameOf(-5)} concurrently`)
      .catch(() => undefined);
    await until('the detach waits for the reader', async () => {
      const waiting = await owner.query('select from partitions_of($1) where is_detaching', ['letters']);
      return waiting.rowCount === 1;
    });
    await admin.query('select pg_cancel_backend($1)', [rows[0]?.pid]);
    await detaching;
    await reader.query('commit');
    await Promise.all([reader.end(), operator.end(), admin.end()]);
    expect(await done(maintainer.steps())).toEqual(['finalize', 'drop']);
    await letLeaseRunOut();
    await expectAllWell();
  });

  it('works one at a time: a second one meanwhile does nothing, and both are content', async () => {
    const [first, second] = await Promise.all(
      [maintainer, new PartitionMaintainer(db.database, AHEAD)].map((one) => done(one.steps())),
    );
    // Seven steps of each kind at least, and none of them twice.
    expect(Math.min(first?.length ?? 0, second?.length ?? 0)).toBe(0);
    await letLeaseRunOut();
    await expectAllWell();
  });

  it('waits for no lease that a clock gave which was ahead and has been set right', async () => {
    await owner.query(
      "update partition_lease set holder = gen_random_uuid(), held_until = clock_timestamp() + interval '10 days'",
    );
    expect(await maintainer.run()).toEqual([]);
    await expectAllWell();
  });

  it('makes partitions while a writer’s transaction is open: nobody waits', async () => {
    await maintainer.run();
    await owner.query(`drop table ${(await partitionsOf('history')).at(-1)}`);
    await db.database.transaction(async (tx) => {
      await tx.count({ name: 'spec.write', text: 'insert into history values (7, now())' });
      expect(await new PartitionMaintainer(db.database, AHEAD).run()).toEqual([]);
      await tx.count({ name: 'spec.write-on', text: 'insert into history values (8, now())' });
    });
    await expectAllWell();
  });

  it('leaves what it cannot lock for the next round, and does the rest', async () => {
    await addDay(-5);
    const left = await db.database.transaction(async (tx) => {
      await tx.rows({ name: 'spec.read', text: 'select from letters' });
      return maintainer.run();
    });
    expect(left.map(({ step }) => step)).toEqual([{ action: 'detach', table: 'letters', partition: nameOf(-5) }]);
    expect((await maintainer.countAhead()).every(({ partitions }) => partitions === AHEAD)).toBe(true);
    expect(await maintainer.run()).toEqual([]);
    await expectAllWell();
  });

  it('waits for a connection at the start, however long others have them all', async () => {
    const shares = { api: 1, consumers: 1, relay: 1, reports: 1 };
    const crowded = await openDatabase({ url: db.url, poolSize: 4, applicationName: 'crowded', shares });
    const taken = crowded.for('relay').rows(statement('spec.take', 'select pg_sleep(1.5)'));
    expect(await new PartitionMaintainer(crowded.for('relay'), AHEAD).ensurePresent()).toEqual([]);
    expect(await partitionsOf('letters')).toContain(nameOf(0));
    await taken;
    await crowded.close();
  });

  it('does no more once nobody wants it, and leaves the rest to whoever comes next', async () => {
    let steps = 0;
    const unwatch = onStatement(({ name }) => {
      if (name === 'partitions.step') steps += 1;
    });
    expect(await maintainer.run(() => steps < 2)).toEqual([]);
    unwatch();
    expect(steps).toBe(2);
    expect(await new PartitionMaintainer(db.database, AHEAD).run()).toEqual([]);
    await expectAllWell();
  });

  it('has the owner do what is due, and nothing else', async () => {
    await maintainer.run();
    const [present = ''] = await partitionsOf('history');
    const service = new Client({ connectionString: db.url });
    await service.connect();
    for (const action of ['drop', 'detach', 'finalize', 'make', 'attach']) {
      const { rows } = await service.query('select partition_step(9, $1, $2) as done', [action, present]);
      expect(rows).toEqual([{ done: false }]);
    }
    for (const call of [
      `partition_step_at('2099-01-01', 3, 'make', 'history_209901')`,
      `partition_step_at('2099-01-01', 3, 'detach', '${nameOf(0)}')`,
      `ensure_partitions_at('2099-01-01', 3)`,
    ])
      await expect(service.query(`select ${call}`)).rejects.toMatchObject({ code: '42501' });
    await service.end();
    expect(await isThere(present)).toBe(true);
    await expectAllWell();
  });
});
