import { fromUuid, newId, uuidOf, type AnyMessage, type GroupPost } from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, paymentCommand, statementsOf, testMessage, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { LedgerVerdictsHandler } from './ledger-verdicts.handler.js';
import { PaymentCommandsHandler } from './payment-commands.handler.js';

const commands = new PaymentCommandsHandler();
const verdicts = new LedgerVerdictsHandler();
const fees = newId('account');
const breakdown = [{ kind: 'fee', account: fees, amount: '30' }] as const;

type Create = AnyMessage<'payflow.payment.create.v1'>;

const plain = (): Create => paymentCommand(newId('payment'), 1);
const divided = (type?: string): Create => {
  const command = plain();
  return { ...command, data: { ...command.data, breakdown, ...(type === undefined ? {} : { type }) } };
};

/** What the ledger says to a group of payments' own. */
const verdictOn = ({ tenant, livemode }: Create, { id, data }: AnyOutgoing, reason?: string) => {
  const { id: group, payment, legs } = data as GroupPost;
  const told = { id: group, payment: payment as string, recorded_at: new Date().toISOString() };
  const owner = { tenant, livemode, causationId: id as string };
  const counters = { posted_debits: '0', posted_credits: '30', pending_debits: '0', pending_credits: '0', version: 1 };
  const terms = { asset: 'USD', kind: 'liability', state: 'open', overdraft: 'none', overdraft_limit: '0' } as const;
  const accounts = [{ id: fees, ...terms, ...counters }];
  return reason === undefined
    ? testMessage(
        'payflow.group.posted.v1',
        { ...told, reverses: null, legs, accounts, effective_at: told.recorded_at, metadata: {} } as never,
        owner,
      )
    : testMessage(
        'payflow.group.rejected.v1',
        { ...told, debit_account: legs[0]?.debit_account ?? '', reason, leg: 0 },
        owner,
      );
};

describe('a payment that is divided', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase('payments', migrations);
  });
  afterAll(() => db.drop());

  const take = (batch: readonly unknown[]) => db.database.transaction((tx) => commands.handle(batch as never, tx));
  const hear = (batch: readonly unknown[]) => db.database.transaction((tx) => verdicts.handle(batch as never, tx));

  it('is booked by one group in the place of its transfer, asked for again in the same words', async () => {
    const create = divided('card_capture');
    const { messages } = await take([create]);
    expect(messages).toMatchObject([
      {
        type: 'payflow.group.post.v1',
        data: {
          id: fromUuid('group', uuidOf('payment', create.data.id)),
          payment: create.data.id,
          valid_until: create.data.expires_at,
          legs: [
            { credit_account: create.data.destination, amount: '70', type: 'card_capture' },
            { credit_account: fees, amount: '30', type: 'card_capture' },
          ],
        },
      },
    ]);
    const { tenant, livemode } = create;
    const sweep = testMessage('payflow.payment.sweep.v1', { id: create.data.id }, { tenant, livemode });
    const again = (await take([sweep])).messages[0];
    expect({ id: again?.id, data: again?.data }).toEqual({ id: messages[0]?.id, data: messages[0]?.data });
  });

  it('succeeds with the group, and tells of its parts and of the accounts as they are left', async () => {
    const create = divided();
    const [asked] = (await take([create])).messages as [AnyOutgoing];
    const verdict = verdictOn(create, asked);
    const { messages } = await hear([verdict]);
    expect(messages).toMatchObject([
      {
        type: 'payflow.payment.succeeded.v1',
        data: { id: create.data.id, amount_captured: '100', breakdown, accounts: [{ id: fees, posted_credits: '30' }] },
      },
    ]);
    expect(messages[0]?.data).not.toHaveProperty('type');
    expect(await hear([verdict])).toEqual({ messages: [], repeated: [verdict.id] });
  });

  it('fails with it, and moves by the verdict on its own command alone', async () => {
    const create = divided();
    const [asked] = (await take([create])).messages as [AnyOutgoing];
    const strange = { ...asked, id: newId('event') };
    expect((await hear([verdictOn(create, strange)])).messages).toEqual([]);
    expect((await hear([verdictOn(create, asked, 'account_frozen')])).messages).toMatchObject([
      { type: 'payflow.payment.failed.v1', data: { failure: { code: 'account_frozen' }, breakdown, accounts: [] } },
    ]);
  });

  it('leaves groups alone that book no payment', async () => {
    const create = divided();
    const [asked] = (await take([create])).messages as [AnyOutgoing];
    const data = { ...verdictOn(create, asked).data, payment: undefined };
    const others = testMessage('payflow.group.posted.v1', data as never, { tenant: create.tenant });
    expect(await hear([others])).toEqual({ messages: [], repeated: [] });
  });

  it('costs one statement for all of a batch, and those that are not cost what they did', async () => {
    const batch = (count: number, of: () => Create) => Array.from({ length: count }, () => of());
    expect(await statementsOf(() => take(batch(20, plain)))).toEqual(['payments.insert']);
    expect(await statementsOf(() => take(batch(20, divided)))).toEqual(['payments.insert-more']);
    expect(await statementsOf(() => take([...batch(20, plain), ...batch(20, divided)]))).toEqual([
      'payments.insert-more',
    ]);
  });
});
