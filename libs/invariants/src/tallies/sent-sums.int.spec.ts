import {
  MESSAGING_RIGHTS,
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MessagingTables1763700000000,
} from '@payflow/messaging';
import { openDatabase, statement, type Database } from '@payflow/database';
import { createTestDatabase, statementsOf, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { INVARIANT_RIGHTS } from '../database/invariant-rights.js';
import { InvariantTables1763700002000 } from '../database/invariant-tables.js';
import { readTallies } from './tallies.repository.js';

const XMIN = statement('spec.xmin', `select pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 as passed`);
const ROWS = 70_000;
const HOUR_MS = 3_600_000;

let db: TestDatabase;
let other: Database;
beforeAll(async () => {
  db = await createTestDatabase('payments', [
    MessagingTables1763700000000,
    InvariantTables1763700002000,
    MessagingGuards1763700013000,
    MessagingPartitions1764100040001,
    { ...MESSAGING_RIGHTS, ...INVARIANT_RIGHTS },
  ]);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  other = await openDatabase({ url: db.url, poolSize: 2, applicationName: 'spec' });
});
afterAll(async () => {
  await other.close();
  await db.drop();
});

/** So many rows of one message each, whose ids add up to as much, over the last two hours or just now. */
async function send(rows: number, since_ms: number): Promise<void> {
  const [{ xact } = { xact: '' }] = await db.database.rows<{ xact: string }>(
    statement(
      'spec.send',
      `with sent as (
         insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
         select at, (left(uuid_floor(at)::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, 'payments.events.v1', n % 2, '[]', 2, 1, 1, at, at
         from generate_series(1, $1::integer) as n, lateral (select $2::timestamptz + n * (now() - $2) / $1 as at) as clock
         returning xact_id)
       select min(xact_id::text) as xact from sent`,
    ),
    [rows, new Date(Date.now() - since_ms)],
  );
  // A transaction that is open anywhere on the server holds back what counts as sent: another spec may have one.
  await until('nothing older is open', async () => {
    const [row] = await db.database.rows<{ passed: boolean }>(XMIN, [xact]);
    return row?.passed;
  });
}

const sums = (sent: readonly { messages: number; id_sum: number }[]) => ({
  messages: sent.reduce((sum, { messages }) => sum + messages, 0),
  idSum: sent.reduce((sum, { id_sum }) => sum + id_sum, 0),
});

it('adds up a long pause in steps of which none grows with it, and each row once, whoever else does so too', async () => {
  await send(ROWS, 2 * HOUR_MS);
  const names = await statementsOf(async () => {
    await Promise.all([readTallies(db.database), readTallies(db.database), readTallies(other)]);
  });
  // Two that ask one process share its work; the other process looks for itself, and adds nothing.
  expect(names.filter((name) => name === 'tallies.sum-page')).toHaveLength(2 * Math.ceil(ROWS / 20_000));
  expect(sums((await readTallies(db.database)).sent)).toEqual({ messages: ROWS, idSum: ROWS });

  await send(10, 0);
  const after = await statementsOf(() => readTallies(db.database));
  expect(after.filter((name) => name === 'tallies.sum-page')).toHaveLength(1);
  expect(sums((await readTallies(db.database)).sent)).toEqual({ messages: ROWS + 10, idSum: ROWS + 10 });
});

it('says so where transaction ids have begun anew, instead of counting nothing until they have passed where they were', async () => {
  const move = (by: string) =>
    db.database.count(
      statement('spec.move-horizon', 'update sent_horizon set horizon = (horizon::text::bigint + $1)::text::xid8'),
      [by],
    );
  await move('4294967296');
  await send(1, 0);
  await expect(readTallies(db.database)).rejects.toThrow('have begun anew');
  await move('-4294967296');
  expect(sums((await readTallies(db.database)).sent)).toEqual({ messages: ROWS + 11, idSum: ROWS + 11 });
});
