import { statement } from '@payflow/database';
import { costOf, createTestDatabase, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { OUTBOX_BY_TOPIC, outboxCommands } from './outbox.js';

const PUBLISHED = 20_000;
const FILL = statement(
  'spec.fill-outbox',
  `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
   select now(), gen_random_uuid(), 't', 0, '[]', 2, 2, 2, now(), case when n > 3 then now() end
   from generate_series(1, ${PUBLISHED + 3}) as n`,
);
const SUMMED = statement(
  'spec.summed',
  `insert into sent_tallies values ('t', current_date, 7, 1), ('t', current_date - 1, 8, 1)`,
);
const EVENT = statement(
  'spec.published-event',
  `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
   values (now(), gen_random_uuid(), 'payments.events.v1', 0, '[]', 1, 1, 1, now(), now())`,
);
const DECIDED = statement('spec.outbox-decided', 'select decision, details, actor, reason from operator_decisions');

let db: TestDatabase;
let owner: Client;
beforeAll(async () => {
  db = await createTestDatabase('payments', MIGRATIONS.payments, 1);
  owner = new Client({ connectionString: db.ownerUrl });
  await owner.connect();
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  await db.database.count(FILL);
  await db.database.count(SUMMED);
  await owner.query('vacuum analyze outbox');
});
afterAll(async () => {
  await owner.end();
  await db.drop();
});

it('what waits is counted, and of what is published only what was counted as it left', async () => {
  const [row, ...others] = await db.database.rows(OUTBOX_BY_TOPIC);
  expect(others).toEqual([]);
  expect(
    Object.entries(row ?? {}).map(([name, value]) => [name, value instanceof Date ? 'an instant' : String(value)]),
  ).toEqual([
    ['topic', 't'],
    ['sent in 30 days', '15'],
    ['unpublished rows', '3'],
    ['unpublished messages', '6'],
    ['oldest unpublished', 'an instant'],
  ]);
  const { rows } = await costOf(owner, OUTBOX_BY_TOPIC, []);
  expect(rows).toBeLessThan(100);
});

describe('republish', () => {
  const [from, to] = ['2026-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z'];
  const republish = async (service: string, topic: string, span: readonly [string, string]): Promise<string> => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const why = ['--actor', 'ops', '--reason', 'a lost log'];
    const words = ['republish', service, topic, '--from', span[0], '--to', span[1], ...why];
    try {
      await outboxCommands().parseAsync(words, { from: 'user' });
      return written.mock.calls.join('');
    } finally {
      written.mockRestore();
    }
  };
  beforeAll(async () => {
    process.env['PAYMENTS_DATABASE_URL'] = db.url;
    process.env['MONITORING_DATABASE_URL'] = db.url;
    await db.database.count(EVENT);
  });
  afterAll(() => {
    delete process.env['PAYMENTS_DATABASE_URL'];
    delete process.env['MONITORING_DATABASE_URL'];
  });

  it.each([
    ['monitoring', 'payments.events.v1', from, to, 'monitoring never publishes payments.events.v1; payments can'],
    ['payments', 'ledger.events.v1', from, to, 'payments never publishes ledger.events.v1; ledger can'],
    ['payments', 'payments.events.v1', to, from, '--from must be before --to'],
    ['payments', 'payments.events.v1', from, from, '--from must be before --to'],
    ['payments', 'payments.events.v1', from, '2026-01-02T00:00:00.000Z', 'payments has sent nothing'],
    ['payments', 'payments.commands.v1', from, to, 'payments has sent nothing'],
  ])('of %s to %s from %s to %s is refused, and no decision is kept', async (service, topic, begin, end, why) => {
    await expect(republish(service, topic, [begin, end])).rejects.toThrow(why);
    expect(await db.database.rows(DECIDED)).toEqual([]);
  });

  it('keeps who had messages sent again, and why', async () => {
    expect(await republish('payments', 'payments.events.v1', [from, to])).toBe(
      '1 rows go out again (ops: a lost log)\n',
    );
    // As after a command that was broken off: what it gave to the relay still waits.
    expect(await republish('payments', 'payments.events.v1', [from, to])).toBe(
      '0 rows go out again, 1 have not gone out yet (ops: a lost log)\n',
    );
    const details = { topic: 'payments.events.v1', from, to };
    const kept = await db.database.rows(DECIDED);
    expect(kept).toEqual([{ decision: 'republished', details, actor: 'ops', reason: 'a lost log' }]);
  });
});
