import { accountRejected, createTestDatabase, statementsOf } from '@payflow/testing';
import { expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { EventsHandler } from './events.handler.js';

it('a batch is archived in the same statements, be it one event or many, new or known', async () => {
  const db = await createTestDatabase('archiver', migrations);
  const archive = (batch: readonly unknown[]) =>
    statementsOf(() => db.database.transaction((tx) => new EventsHandler().ledger(batch as never, tx)));
  const many = Array.from({ length: 50 }, () => accountRejected());
  const one = await archive([accountRejected()]);
  const [first, again] = [await archive(many), await archive(many)];
  await db.drop();
  expect(one).toHaveLength(3);
  expect(first).toEqual(one);
  expect(again.length).toBeLessThanOrEqual(one.length);
});
