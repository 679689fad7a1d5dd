import { fromUuid, newId, uuidOf, type AnyMessage } from '@payflow/contracts';
import { createTestDatabase, paymentCommand, statementsOf, testMessage, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { LedgerVerdictsHandler } from './ledger-verdicts.handler.js';
import { PaymentCommandsHandler } from './payment-commands.handler.js';

const commands = new PaymentCommandsHandler();
const verdicts = new LedgerVerdictsHandler();
const MANY = 50;

type Create = AnyMessage<'payflow.payment.create.v1'>;
const creates = (count: number): Create[] =>
  Array.from({ length: count }, () => {
    const command = paymentCommand(newId('payment'), 1);
    return { ...command, data: { ...command.data, expires_at: new Date(Date.now() + 86_400_000).toISOString() } };
  });
const sweep = ({ data: { id }, tenant, livemode }: Create) =>
  testMessage('payflow.payment.sweep.v1', { id }, { tenant, livemode });
const refused = ({ data: { id }, tenant, livemode }: Create, ledgerCommand: string) =>
  testMessage(
    'payflow.transfer.rejected.v1',
    {
      id: fromUuid('transfer', uuidOf('payment', id)),
      payment: id,
      debit_account: newId('account'),
      credit_account: newId('account'),
      amount: '100',
      asset: 'USD',
      reason: 'insufficient_funds',
      recorded_at: new Date().toISOString(),
    } as never,
    { tenant, livemode, causationId: ledgerCommand },
  );

describe('a batch of payments costs the same statements for one message and for many', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase('payments', migrations);
  });
  afterAll(() => db.drop());

  const takeIn = (batch: readonly unknown[]) =>
    statementsOf(() => db.database.transaction((tx) => commands.handle(batch as never, tx)));
  const hear = (batch: readonly unknown[]) =>
    statementsOf(() => db.database.transaction((tx) => verdicts.handle(batch as never, tx)));

  it('when they are taken in, again too', async () => {
    const many = creates(MANY);
    expect(await takeIn(creates(1))).toEqual(['payments.insert']);
    expect(await takeIn(many)).toEqual(['payments.insert']);
    expect(await takeIn(many)).toEqual(['payments.insert', 'payments.created-by']);
  });

  it('when the ledger is asked again', async () => {
    const many = creates(MANY);
    await takeIn(many);
    const one = await takeIn(many.slice(0, 1).map(sweep));
    expect(one).toEqual(['lives.lock', 'lives.load']);
    expect(await takeIn(many.map(sweep))).toEqual(one);
  });

  it('when the verdicts come, again too', async () => {
    const many = creates(MANY + 1);
    const { messages } = await db.database.transaction((tx) => commands.handle(many, tx));
    const [first, ...others] = many.map((create, at) => refused(create, messages[at]?.id as string));
    const one = await hear([first]);
    expect(one).toHaveLength(1);
    expect(await hear(others)).toEqual(one);
    expect(await hear(others)).toHaveLength(2);
  });
});
