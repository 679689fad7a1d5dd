import { newId } from '@payflow/contracts';
import { createTestDatabase, statementsOf, testMessage, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { LedgerVerdictsHandler } from './ledger-verdicts.handler.js';

const handler = new LedgerVerdictsHandler();

/** Of a transfer or a hold that no payment has asked for. */
const foreign = () =>
  testMessage('payflow.hold.rejected.v1', {
    id: newId('hold'),
    operation: 'place',
    transfer: null,
    payment: null,
    debit_account: newId('account'),
    reason: 'insufficient_funds',
    recorded_at: new Date().toISOString(),
  });

describe('a verdict that is no payment’s', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase('payments', migrations);
  });
  afterAll(() => db.drop());

  const hear = (events: readonly unknown[]) => db.database.transaction((tx) => handler.handle(events as never, tx));

  it('counts once, however often the ledger gives it again', async () => {
    const [first, second] = [foreign(), foreign()];
    expect(await hear([first])).toEqual({ messages: [], repeated: [] });
    expect(await hear([second, first])).toEqual({ messages: [], repeated: [first.id] });
    expect(await hear([first, second])).toEqual({ messages: [], repeated: [first.id, second.id] });
  });

  it('costs one statement for one and for many', async () => {
    const one = await statementsOf(() => hear([foreign()]));
    expect(one).toEqual(['inbox.pass-over']);
    expect(await statementsOf(() => hear(Array.from({ length: 50 }, foreign)))).toEqual(one);
  });
});
