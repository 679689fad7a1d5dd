import { newId, uuidOf, type AnyMessage } from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DESTINATION, PaymentsUnderTest, SOURCE, told } from '../testing/payments-under-test.js';

/** Fifty at a time: the same wish over and over, from as many transactions as the database has connections for. */
const CROWD = 50;

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.close());

const crowd = (make: (at: number) => AnyMessage) => Array.from({ length: CROWD }, (_, at) => make(at));

/** The commands, each in a transaction of its own, all at once; and then what the ledger says, to the end. */
async function atOnce(commands: readonly AnyMessage[]): Promise<string[]> {
  const sent = await Promise.all(commands.map((command) => payments.tell(command)));
  return [...told(sent.flat()), ...told(await settledAtOnce())];
}

/** Every verdict in a transaction of its own, each told twice. */
async function settledAtOnce(): Promise<AnyOutgoing[]> {
  const sent: AnyOutgoing[] = [];
  while (payments.asked.length > 0) {
    const verdicts = payments.asked.splice(0).map((command) => payments.ledger.answer(command));
    sent.push(...(await Promise.all([...verdicts, ...verdicts].map((verdict) => payments.hear(verdict)))).flat());
  }
  return sent;
}

async function inOneBatch(commands: readonly AnyMessage[]): Promise<string[]> {
  const sent = await payments.tell(...commands);
  return [...told(sent), ...told(await payments.settle())];
}

const count = (what: readonly string[], name: string) => what.filter((one) => one.startsWith(name)).length;

describe.each([
  ['each in a transaction of its own', atOnce],
  ['all in one batch', inOneBatch],
])('fifty at once, %s', (_, race) => {
  async function captured(): Promise<string> {
    const create = payments.create({ capture: 'automatic' });
    await payments.tell(create);
    await payments.settle();
    return create.data.id;
  }

  it('give back what was captured, once', async () => {
    const id = await captured();
    const before = payments.ledger.booked(DESTINATION, SOURCE);
    const what = await race(crowd(() => payments.wish(id, 'refund', { amount: '300' })));
    expect(count(what, 'refund.succeeded')).toBe(3);
    expect(count(what, 'refund.failed refund_exceeds_captured')).toBe(CROWD - 3);
    expect(payments.ledger.booked(DESTINATION, SOURCE) - before).toBe(900n);
    expect(await payments.row(id)).toMatchObject({
      amount_refunded_minor: 900n,
      amount_refunding_minor: 0n,
      version: 4n,
    });
  });

  it('capture what is authorized, once', async () => {
    const id = await payments.authorized({ capture: 'manual_multiple' });
    const before = payments.ledger.booked(SOURCE, DESTINATION);
    const what = await race(crowd(() => payments.wish(id, 'capture', { amount: '300', final: false })));
    expect(count(what, 'capture.succeeded')).toBe(3);
    expect(count(what, 'capture.failed capture_exceeds_authorized')).toBe(CROWD - 3);
    expect(payments.ledger.booked(SOURCE, DESTINATION) - before).toBe(900n);
    expect(await payments.row(id)).toMatchObject({ amount_captured_minor: 900n, status: 'partially_captured' });
  });

  it('cancel, once', async () => {
    const id = await payments.authorized();
    const what = await race(crowd(() => payments.wish(id, 'cancellation')));
    expect(count(what, 'payment.canceled')).toBe(1);
    expect(count(what, 'cancellation.succeeded')).toBe(1);
    expect(count(what, 'cancellation.failed payment_not_cancelable')).toBe(CROWD - 1);
  });

  it('capture or cancel, and never both', async () => {
    const id = await payments.authorized();
    const what = await race(crowd((at) => payments.wish(id, at % 2 === 0 ? 'capture' : 'cancellation')));
    expect(count(what, 'payment.succeeded') + count(what, 'payment.canceled')).toBe(1);
    expect(count(what, 'capture.succeeded') + count(what, 'cancellation.succeeded')).toBe(1);
    expect(count(what, 'capture.failed') + count(what, 'cancellation.failed')).toBe(CROWD - 1);
  });

  it('expire, once', async () => {
    const id = await payments.authorized();
    await payments.db.tamper(
      `update payments set authorized_until = now() - interval '1 second' where status = 'authorized'`,
    );
    const what = await race(crowd(() => payments.expire(id)));
    expect(what).toEqual(['hold.void', 'payment.expired']);
  });

  /** Payments that have come to an end among what was told, and how. */
  const ends = (what: readonly string[]) =>
    what.filter((one) => /^payment\.(succeeded|canceled|expired|failed)/.test(one));
  const overIn = (ms: number, id: string) =>
    payments.db.tamper(
      `update payments set authorized_until = case when authorized_until is not null then now() + interval '${ms} milliseconds' end,
         expires_at = now() + interval '${ms} milliseconds' where id = '${uuidOf('payment', id)}'`,
    );

  it.each([
    ['is over', -1_000],
    ['runs out meanwhile', 60],
  ])('expire, cancel and capture when its time %s, and it comes to one end', async (_when, ms) => {
    const id = await payments.authorized({ capture: 'manual_multiple' });
    const before = payments.ledger.booked(SOURCE, DESTINATION);
    await overIn(ms, id);
    const what = await race(
      crowd((at) => {
        if (at % 3 === 0) return payments.expire(id);
        return at % 3 === 1
          ? payments.wish(id, 'cancellation')
          : payments.wish(id, 'capture', { amount: '300', final: at % 2 === 0 });
      }),
    );
    expect(ends(what)).toHaveLength(1);
    const row = await payments.row(id);
    expect(payments.ledger.booked(SOURCE, DESTINATION) - before).toBe(row['amount_captured_minor']);
    expect(row).toMatchObject({ operation_id: null, amount_authorized_minor: row['amount_captured_minor'] });
    expect((await payments.operations(id)).filter((one) => !/ (succeeded|failed)/.test(one))).toEqual([]);
    expect(payments.ledger.pending(id)).toBe(0n);
  });

  it.each(['approved', 'declined'] as const)(
    'expire and cancel while its provider, late, says yes, and it comes to one end, the void being %s',
    async (outcome) => {
      const create = payments.create({ method: { type: 'card', token: 'tok_visa' }, capture: 'automatic' });
      const { id } = create.data;
      await payments.tell(create);
      await payments.settle();
      const approval = await payments.answer(id, 'approved');
      await payments.tell(await payments.answer(id, 'requires_action'));
      await overIn(-1_000, id);
      const before = payments.ledger.booked(SOURCE, DESTINATION);
      const told_ = await race(
        crowd((at) => {
          if (at % 3 === 0) return payments.expire(id);
          return at % 3 === 1 ? payments.wish(id, 'cancellation') : { ...approval, id: newId('event') };
        }),
      );
      // What was asked to give it back, if that was before the yes.
      while (await payments.attempt(id)) {
        told_.push(...told(await payments.tell(await payments.answer(id, outcome))));
        told_.push(...told(await payments.settle()));
      }
      expect(ends(told_)).toHaveLength(1);
      const { status, amount_captured_minor: captured } = await payments.row(id);
      expect([captured, payments.ledger.booked(SOURCE, DESTINATION) - before]).toEqual(
        status === 'succeeded' ? [1_000n, 1_000n] : [0n, 0n],
      );
      expect(payments.ledger.pending(id)).toBe(0n);
    },
  );

  it('are taken in as long as they can be kept in order', async () => {
    const create = payments.create();
    await payments.tell(create);
    const { id } = create.data;
    const what = await race([
      ...crowd(() => payments.wish(id, 'cancellation')),
      ...crowd(() => payments.wish(id, 'capture')),
    ]);
    expect(
      count(what, 'cancellation.failed too_many_operations') + count(what, 'capture.failed too_many_operations'),
    ).toBe(1);
    expect(count(what, 'payment.canceled') + count(what, 'payment.succeeded')).toBe(1);
  });
});

describe('what comes again', () => {
  it('moves nothing, whatever it is and however much later', async () => {
    const create = payments.create({ method: { type: 'card', token: 'tok_visa' }, capture: 'manual_multiple' });
    const { id } = create.data;
    const messages: AnyMessage[] = [create];
    const say = async (command: AnyMessage) => {
      messages.push(command);
      await payments.tell(command);
      await payments.settle();
      if (!(await payments.attempt(id))) return;
      const answer = await payments.answer(id, 'approved');
      messages.push(answer);
      await payments.tell(answer);
      await payments.settle();
    };
    await say(create);
    await say(payments.wish(id, 'increment', { amount: '200' }));
    await say(payments.wish(id, 'capture', { amount: '700', final: false }));
    await say(payments.wish(id, 'refund', { amount: '100' }));
    await say(payments.wish(id, 'cancellation'));
    const [row, operations] = [await payments.row(id), await payments.operations(id)];
    expect(row).toMatchObject({ status: 'succeeded', amount_captured_minor: 700n, amount_refunded_minor: 100n });
    for (const message of messages) {
      const { messages: sent, repeated } = await payments.handled(message);
      // An answer has its mark in the inbox, which the handler does not know.
      const known = message.type === 'payflow.payment.answer.v1' ? [] : [message.id];
      expect([message.type, sent, repeated]).toEqual([message.type, [], known]);
    }
    for (const verdict of payments.ledger.given()) {
      const { messages: sent, repeated } = await payments.heard(verdict);
      if (verdict.data.payment === id) expect([verdict.type, sent, repeated]).toEqual([verdict.type, [], [verdict.id]]);
    }
    expect([await payments.row(id), await payments.operations(id)]).toEqual([row, operations]);
  });
});
