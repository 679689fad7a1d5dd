import { newId, uuidOf, type GroupPost, type MessageData, type PaymentCreate } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Messaging, type AnyOutgoing } from '@payflow/messaging';
import { testBroker } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sweeper } from '../sweeper.js';
import { DESTINATION, PaymentsUnderTest, SOURCE, told } from '../testing/payments-under-test.js';

const STEPS = statement(
  'spec.divisions',
  `select step || ' ' || status as step from ledger_steps where payment_id = $1 and command_type = 'payflow.group.post.v1' order by asked_at`,
);
const SWEPT = statement(
  'spec.swept-divisions',
  `select count(*)::integer as swept from outbox, json_array_elements(messages::json) as m
   where m -> 'message' ->> 'actor' = 'payments/sweeper' and m -> 'message' ->> 'subject' = $1`,
);
const CARD = { type: 'card', token: 'tok_visa' } as const;
const ALWAYS = () => undefined;

let payments: PaymentsUnderTest;
let sweeper: Sweeper;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
  const database = payments.db.database;
  sweeper = new Sweeper(database, new Messaging({ broker: testBroker('unused'), database, partitions: 'single' }));
});
afterAll(() => payments.close());

/** A payment of 1000 of which 300 are a fee and 90 a tax, and where these go. */
function divided(change: Partial<PaymentCreate> = {}) {
  const [fees, taxes] = [newId('account'), newId('account')];
  const breakdown = [
    { kind: 'fee', account: fees, amount: '300' },
    { kind: 'tax', account: taxes, amount: '90' },
  ] as const;
  const got = () => [fees, taxes].map((account) => Number(payments.ledger.booked(DESTINATION, account)));
  return { change: { breakdown, ...change }, fees, taxes, got };
}

const steps = async (id: string) =>
  (await payments.db.database.rows(STEPS, [uuidOf('payment', id)])).map(({ step }) => step as string);
const capture = (id: string, amount: string | null, final = false) =>
  payments.tell(payments.wish(id, 'capture', { amount, final }));
const refusing = (reason: string) => (command: AnyOutgoing) =>
  command.type === 'payflow.group.post.v1' ? reason : undefined;

async function sweeps(id: string): Promise<number> {
  await sweeper.sweep();
  return (await payments.db.database.rows(SWEPT, [id]))[0]?.['swept'] as number;
}

describe('a capture of a payment that is divided', () => {
  it('is booked to the destination, and its parts moved on from there before it ends', async () => {
    const { change, fees, taxes, got } = divided();
    const id = await payments.authorized(change);
    await capture(id, '500', true);
    const sent = await payments.settle();
    expect(told(sent)).toEqual(['group.post', 'payment.succeeded', 'capture.succeeded of succeeded']);
    expect(sent[0]?.data).toMatchObject({
      payment: id,
      legs: [
        { debit_account: DESTINATION, credit_account: fees, amount: '150' },
        { debit_account: DESTINATION, credit_account: taxes, amount: '45' },
      ],
    });
    const { accounts, breakdown } = sent[1]?.data as MessageData['payflow.payment.succeeded.v1'];
    expect(accounts.map((account) => account.id).sort()).toEqual([SOURCE, DESTINATION, fees, taxes].sort());
    expect(breakdown).toEqual(change.breakdown);
    expect(got()).toEqual([150, 45]);
  });

  it('gives in several captures what one would have given, to the unit', async () => {
    const { change, got } = divided({ capture: 'manual_multiple' });
    const id = await payments.authorized(change);
    for (const amount of ['1', '333', '2', '600']) {
      await capture(id, amount);
      await payments.settle();
    }
    await capture(id, null);
    await payments.settle();
    expect(got()).toEqual([300, 90]);
    expect(await payments.row(id)).toMatchObject({ status: 'succeeded', amount_captured_minor: 1000n });
  });

  it('asks nothing more of the ledger where no part has a unit of it', async () => {
    const { change, got } = divided({ capture: 'manual_multiple' });
    const id = await payments.authorized(change);
    await capture(id, '1');
    expect(told(await payments.settle())).toEqual([
      'payment.partially_captured',
      'capture.succeeded of partially_captured',
    ]);
    expect([await steps(id), got()]).toEqual([[], [0, 0]]);
  });

  it('goes on where more is captured than the payment came to', async () => {
    const { change, got } = divided();
    const id = await payments.authorized(change);
    await payments.tell(payments.wish(id, 'increment', { amount: '500' }));
    await payments.settle();
    await capture(id, '1500', true);
    await payments.settle();
    expect(got()).toEqual([450, 135]);
  });

  it('by a card at once is divided once the money is booked, and not before', async () => {
    const { change, got } = divided({ capture: 'automatic', method: CARD });
    const create = payments.create(change);
    await payments.tell(create);
    expect(told(await payments.settle())).toEqual([]);
    expect(told(await payments.tell(await payments.answer(create.data.id, 'approved')))).toEqual(['hold.post']);
    expect(got()).toEqual([0, 0]);
    expect(told(await payments.settle())).toEqual(['group.post', 'payment.succeeded']);
    expect(got()).toEqual([300, 90]);
  });

  it('that fails is not divided', async () => {
    const { change, got } = divided({ capture: 'automatic', method: CARD });
    const create = payments.create(change);
    await payments.tell(create);
    await payments.settle();
    await payments.tell(await payments.answer(create.data.id, 'declined'));
    expect(told(await payments.settle())).toEqual(['payment.failed card_declined']);
    expect([await steps(create.data.id), got()]).toEqual([[], [0, 0]]);
  });
});

describe('what the ledger would not divide', () => {
  it('is captured all the same, and divided when the ledger lets it: once, however often it is swept', async () => {
    const { change, got } = divided();
    const id = await payments.authorized(change);
    await capture(id, null, true);
    const [asked, ...rest] = await payments.settle(refusing('account_frozen'));
    expect(told(rest)).toEqual(['payment.succeeded', 'capture.succeeded of succeeded']);
    expect(await payments.row(id)).toMatchObject({ amount_captured_minor: 1000n });
    expect([await steps(id), got()]).toEqual([['divide:1 refused'], [0, 0]]);
    // Not yet its turn.
    expect(await sweeps(id)).toBe(0);
    await payments.db.tamper(
      `update ledger_steps set updated_at = now() - interval '16 seconds' where payment_id = '${uuidOf('payment', id)}'`,
    );
    expect(await sweeps(id)).toBe(1);
    expect(await sweeps(id)).toBe(1);
    const sweep = payments.message('payflow.payment.sweep.v1', { id });
    const [again] = await payments.tell(sweep);
    const [first, second] = [asked?.data as GroupPost, again?.data as GroupPost];
    expect(second.legs.map(({ amount, credit_account }) => [amount, credit_account])).toEqual(
      first.legs.map(({ amount, credit_account }) => [amount, credit_account]),
    );
    expect(new Set([first, second].flatMap(({ id: group, legs }) => [group, ...legs.map((leg) => leg.id)])).size).toBe(
      6,
    );
    // While it is asked for, it is asked again in the same words.
    expect(told(await payments.tell(sweep))).toEqual(['group.post']);
    expect(told(await payments.settle(ALWAYS))).toEqual([]);
    expect([await steps(id), got()]).toEqual([
      ['divide:1 refused', 'divide:2 done'],
      [300, 90],
    ]);
    expect(told(await payments.tell(sweep))).toEqual([]);
    expect(await sweeps(id)).toBe(1);
  });

  it('waits twice as long after each refusal', async () => {
    const { change } = divided();
    const id = await payments.authorized(change);
    await capture(id, null, true);
    await payments.settle(refusing('insufficient_funds'));
    const sweep = payments.message('payflow.payment.sweep.v1', { id });
    await payments.tell(sweep);
    await payments.settle(refusing('insufficient_funds'));
    const age = (seconds: number) =>
      payments.db.tamper(
        `update ledger_steps set updated_at = now() - interval '${seconds} seconds' where payment_id = '${uuidOf('payment', id)}' and step = 'divide:2'`,
      );
    await age(16);
    expect(await sweeps(id)).toBe(0);
    await age(31);
    expect(await sweeps(id)).toBe(1);
  });

  it('is divided once by the database too', async () => {
    const { change } = divided();
    const id = await payments.authorized(change);
    await capture(id, null, true);
    await payments.settle();
    const twice = `insert into ledger_steps (tenant_id, livemode, operation_id, step, payment_id, command_id, command_type, command, status,
        amount_minor, verdict_event_id)
      select tenant_id, livemode, operation_id, 'divide:2', payment_id, gen_random_uuid(), command_type, command, status, amount_minor,
        gen_random_uuid()
      from ledger_steps where payment_id = '${uuidOf('payment', id)}' and step = 'divide:1'`;
    await expect(payments.db.tamper(twice)).rejects.toThrow(/ledger_steps_divided_once/);
  });
});
