import { statement } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { positionsCommands } from './positions.js';

const PLACE = statement(
  'spec.place-positions',
  `insert into positions (consumer_group, topic, partition, epoch, next_offset)
   select 'monitoring.payments', 'payments.events.v1', p, 1, 50 from unnest(array[0, 1]) as p`,
);
const PLACES = statement('spec.positions', 'select partition, next_offset::integer as at from positions order by 1');

const DECIDED = statement('spec.positions-decided', 'select decision, details, actor, reason from operator_decisions');

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('monitoring', MIGRATIONS.monitoring, 2);
  process.env['MONITORING_DATABASE_URL'] = db.url;
  await db.database.count(PLACE);
});
afterAll(async () => {
  delete process.env['MONITORING_DATABASE_URL'];
  await db.drop();
});

async function move(partitions: string, to: string, ...more: readonly string[]): Promise<string> {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const words = ['move', 'monitoring.payments', partitions, '--to', to, '--actor', 'ops', '--reason', 'a new log'];
  try {
    await positionsCommands().parseAsync([...words, ...more], { from: 'user' });
    return written.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    written.mockRestore();
  }
}

it('moves all that are named, or none', async () => {
  await expect(move('0,7', '3')).rejects.toThrow('1 of 2 positions exist: none was moved');
  expect(await db.database.rows(PLACES)).toEqual([
    { partition: 0, at: 50 },
    { partition: 1, at: 50 },
  ]);
  expect(await db.database.rows(DECIDED)).toEqual([]);
  expect(await move('1,0,1', '3')).toBe(
    'monitoring.payments reads on from 3: partition 0 was at 50, partition 1 was at 50 before (ops: a new log)\n',
  );
  expect(await db.database.rows(PLACES)).toEqual([
    { partition: 0, at: 3 },
    { partition: 1, at: 3 },
  ]);
  const details = { group: 'monitoring.payments', partitions: [1, 0], to: 3, from: { 0: 50, 1: 50 } };
  const kept = await db.database.rows(DECIDED);
  expect(kept).toEqual([{ decision: 'position_moved', details, actor: 'ops', reason: 'a new log' }]);
});

it('suspects no record of what died at its offset before', async () => {
  await db.database.count(
    statement(
      'spec.suspects',
      `insert into suspects (consumer_group, topic, partition, record_offset, attempts)
       select 'monitoring.payments', 'payments.events.v1', p, 2, 2 from unnest(array[0, 1]) as p`,
    ),
  );
  await move('0', '0');
  const left = statement('spec.suspected', 'select partition from suspects');
  expect(await db.database.rows(left)).toEqual([{ partition: 1 }]);
  await move('0', '3', '--skip');
});

it('skips what is unread only where that is said', async () => {
  await move('0', '40', '--skip');
  await expect(move('0,1', '20')).rejects.toThrow(
    'partition 1 was at 3 and would never be read up to 20: none was moved; --skip does it',
  );
  expect(await db.database.rows(PLACES)).toEqual([
    { partition: 0, at: 40 },
    { partition: 1, at: 3 },
  ]);
  await move('0,1', '20', '--skip');
  expect(await db.database.rows(PLACES)).toEqual([
    { partition: 0, at: 20 },
    { partition: 1, at: 20 },
  ]);
});
