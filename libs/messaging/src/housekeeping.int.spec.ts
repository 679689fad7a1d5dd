import { newUuid } from '@payflow/contracts';
import { onStatement, statement } from '@payflow/database';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MessagingGuards1763700013000 } from './database/messaging-guards.js';
import { MessagingPartitions1764100040001 } from './database/messaging-partitions.js';
import { MESSAGING_RIGHTS } from './database/messaging-rights.js';
import { MessagingTables1763700000000 } from './database/messaging-tables.js';
import { Housekeeping } from './housekeeping.js';

configureLogging({ level: 'silent' });

const DAY_MS = 86_400_000;
const PARTITIONS = statement(
  'spec.partitions',
  `select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = 'outbox'::regclass order by 1`,
);

/** As the service's own role, which owns nothing. */
describe('housekeeping', () => {
  let db: TestDatabase;
  let housekeeping: Housekeeping;
  const now = Date.now();
  const partitionOf = (days: number) =>
    `outbox_${new Date(now + days * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`;
  const partitions = async () => (await db.database.rows<{ name: string }>(PARTITIONS)).map(({ name }) => name);

  beforeAll(async () => {
    db = await createTestDatabase('payments', [
      MessagingTables1763700000000,
      MessagingGuards1763700013000,
      MessagingPartitions1764100040001,
      MESSAGING_RIGHTS,
    ]);
    housekeeping = new Housekeeping(db.database);
  });
  afterAll(async () => {
    await housekeeping.close();
    await db.drop();
  });

  const asOwner = async (sql: string) => {
    const owner = new Client({ connectionString: db.ownerUrl });
    await owner.connect();
    await owner.query(sql);
    await owner.end();
  };
  const count = async (table: string) =>
    (
      await db.database.rows<{ n: number }>(
        statement(`spec.count-${table}`, `select count(*)::integer as n from ${table}`),
      )
    )[0]?.n;
  const insertOutbox = (days: number, published: boolean) =>
    db.database.rows(
      statement(
        'spec.insert',
        `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
         values ($1, $2, 't', 0, '[]', 1, 1, 1, $1, $3)`,
      ),
      [new Date(now + days * DAY_MS), newUuid(), published ? new Date() : null],
    );

  it('makes the days to come before the service starts, and those of others do no harm', async () => {
    await Promise.all([housekeeping.start(), new Housekeeping(db.database).run()]);
    expect(await partitions()).toEqual([-1, 0, 1, 2, 3, 4].map(partitionOf));
    await insertOutbox(3, true);
    await expect(insertOutbox(5, true)).rejects.toThrow('no partition');
  });

  it('tells how many lie ahead without a gap, and fewer once one is gone', async () => {
    const told = async () => {
      await housekeeping.countAhead();
      return /payflow_partitions_ahead\{table="outbox"\} (-?\d+)/.exec((await renderMetrics()).body)?.[1];
    };
    expect(await told()).toBe('4');
    await asOwner(`drop table ${partitionOf(3)}`);
    expect(await told()).toBe('2');
    await asOwner(`drop table ${partitionOf(0)}`);
    expect(await told()).toBe('-1');
    await housekeeping.run();
    expect(await told()).toBe('4');
  });

  it('tells of no table while they cannot be counted', async () => {
    const told = async () =>
      /payflow_partitions_ahead\{table="outbox"\} (-?\d+)/.exec((await renderMetrics()).body)?.[1];
    await housekeeping.countAhead();
    expect(await told()).toBe('4');
    await asOwner('alter function partitions_ahead() rename to partitions_away');
    await expect(housekeeping.countAhead()).rejects.toThrow('partitions_ahead');
    expect(await told()).toBeUndefined();
    await asOwner('alter function partitions_away() rename to partitions_ahead');
    await housekeeping.countAhead();
    expect(await told()).toBe('4');
  });

  it('makes the present at once where a machine has slept for longer than days lay ahead', async () => {
    for (const days of [0, 1, 2, 3, 4]) await asOwner(`drop table ${partitionOf(days)}`);
    await expect(insertOutbox(0, true)).rejects.toThrow('no partition');
    await housekeeping.look();
    await insertOutbox(0, true);
    expect(await partitions()).toEqual([-1, 0, 1, 2, 3, 4].map(partitionOf));
  });

  it('drops days of the outbox that have outlived the topic, but none with an unpublished row', async () => {
    for (const days of [-10, -11, -12]) {
      const [from, to] = [days, days + 1].map((day) => new Date(now + day * DAY_MS).toISOString().slice(0, 10));
      await asOwner(`create table ${partitionOf(days)} partition of outbox for values from ('${from}') to ('${to}')`);
    }
    await insertOutbox(-10, true);
    await insertOutbox(-11, false);
    await housekeeping.run();
    const left = await partitions();
    expect(left).not.toContain(partitionOf(-10));
    expect(left).not.toContain(partitionOf(-12));
    expect(left).toContain(partitionOf(-11));
    expect(left).toContain(partitionOf(-1));
  });

  it('waits for nobody while it would hold up every writer: a day that is being read is dropped another time', async () => {
    await asOwner(
      `create table ${partitionOf(-13)} partition of outbox for values from ('${new Date(now - 13 * DAY_MS).toISOString().slice(0, 10)}') to ('${new Date(now - 12 * DAY_MS).toISOString().slice(0, 10)}')`,
    );
    await db.database.transaction(async (tx) => {
      await tx.rows(statement('spec.read', 'select count(*) from outbox'));
      await housekeeping.run();
    });
    expect(await partitions()).toContain(partitionOf(-13));
    expect((await renderMetrics()).body).toContain(
      'payflow_partition_steps_left_total{table="outbox",action="detach"} 1',
    );
    await housekeeping.run();
    expect(await partitions()).not.toContain(partitionOf(-13));
  });

  it('prunes inbox marks, dead letters that were replayed and tallies by their age, and keeps what is young', async () => {
    const uuidAt = (days: number) => {
      const hex = (now + days * DAY_MS).toString(16).padStart(12, '0');
      return `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8abc-0123456789ab`;
    };
    await db.database.rows(
      statement(
        'spec.inbox',
        `insert into inbox (consumer_group, event_id, content_hash) select 'g', id, 0 from unnest($1::uuid[]) as id`,
      ),
      // Sent again on the last day that its outbox had it, one of 17 days may still be read.
      [[-40, -20, -17, 0].map(uuidAt)],
    );
    await db.database.rows(
      statement(
        'spec.dead',
        `insert into dead_letters (consumer_group, topic, partition, record_offset, error_class, error_message, attempts, first_at, last_at, record_headers, state)
         select 'g', 't', 0, age, 'e', 'm', 1, now(), now() - age * interval '1 day', '{}', case when age < 35 then 'replayed' else 'dead' end
         from unnest($1::integer[]) as age`,
      ),
      [[400, 31, 29]],
    );
    await db.database.rows(
      statement(
        'spec.tallies',
        `insert into received_tallies select 'g', 't', 0, current_date - age, 1, 1 from unnest($1::integer[]) as age`,
      ),
      [[20, 10, 7, 0]],
    );
    await housekeeping.run();
    const left = async () => Promise.all(['inbox', 'dead_letters', 'received_tallies'].map(count));
    expect(await left()).toEqual([2, 2, 2]);
    // A process whose clock is ahead takes nothing from the others.
    vi.useFakeTimers({ toFake: ['Date'], now: now + 40 * DAY_MS });
    await housekeeping.run().finally(() => vi.useRealTimers());
    expect(await left()).toEqual([2, 2, 2]);
  });

  it('begins nothing more at its close, however much is left to prune', async () => {
    const before = [await count('inbox'), await count('dead_letters')];
    await db.database.rows(
      statement(
        'spec.backlog',
        `insert into inbox (consumer_group, event_id, content_hash)
         select 'g', ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 0 from generate_series(1, 30000) as n`,
      ),
    );
    await db.database.rows(
      statement('spec.old-letter', `update dead_letters set state = 'replayed', last_at = now() - interval '31 days'`),
    );
    const ending = new Housekeeping(db.database);
    let closed: Promise<void> | undefined;
    const unwatch = onStatement(({ name }) => {
      if (name === 'housekeeping.prune-inbox') closed ??= ending.close();
    });
    await ending.start();
    await until('the inbox is being pruned', () => closed !== undefined);
    await closed;
    unwatch();
    expect([await count('inbox'), await count('dead_letters')]).toEqual([20_000 + Number(before[0]), before[1]]);
    await housekeeping.run();
    expect([await count('inbox'), await count('dead_letters')]).toEqual([before[0], 0]);
  });
});
