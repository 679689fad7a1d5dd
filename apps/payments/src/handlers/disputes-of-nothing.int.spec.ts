import { newId, uuidOf, type NoticeKind } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DESTINATION, PaymentsUnderTest, SOURCE, told } from '../testing/payments-under-test.js';

configureLogging({ level: 'silent' });

const CARD = { method: { type: 'card', token: 'tok_visa' }, capture: 'automatic' } as const;
const DISPUTES = statement(
  'spec.disputes-of-nothing',
  `select status, leg, leg_reason as reason from disputes where payment_id = $1`,
);
const AMOUNTS = statement('spec.disputed-amounts', 'select amount_minor as amount from disputes where payment_id = $1');
const EVIDENCE = statement(
  'spec.evidence-of-nothing',
  'select believed from provider_evidence where payment_id = $1 order by received_at',
);

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(async () => {
  expect(await payments.closeWithBroken()).toEqual([]);
});

const notice = (id: string, kind: NoticeKind, connector = 'cards', amount: string | null = '400') =>
  payments.message('payflow.payment.notice.v1', {
    ...{ id, connector, notice: newId('event'), kind, attempt: null, provider_reference: `dsp_${id}` },
    ...{ code: 'fraudulent', amount, occurred_at: new Date().toISOString() },
  });
const disputesOf = (id: string) => payments.db.database.rows(DISPUTES, [uuidOf('payment', id)]);
const believed = async (id: string) =>
  (await payments.db.database.rows<{ believed: boolean }>(EVIDENCE, [uuidOf('payment', id)])).map(
    (row) => row.believed,
  );

/** A card payment whose sale nobody was asked for yet. */
async function waiting(): Promise<string> {
  const create = payments.create(CARD);
  await payments.tell(create);
  await payments.settle();
  return create.data.id;
}

/** Its worker notes that those of its attempts that have not ended were sent to `connector`, and how they stand. */
const sent = (id: string, status = 'unknown', connector = 'cards') =>
  payments.noted(
    status,
    `payment_id = '${uuidOf('payment', id)}' and status in ('created', 'unknown')`,
    `, connector = '${connector}', sent_at = now(), unknown_at = now()`,
  );

async function unanswered(): Promise<string> {
  const id = await waiting();
  await sent(id);
  return id;
}

/** What the service says to itself, as it comes back to it. */
async function swept(messages: readonly AnyOutgoing[]): Promise<string[]> {
  const sweeps = messages.filter(({ type }) => type === 'payflow.dispute.sweep.v1');
  return told(
    await payments.tell(...sweeps.map(({ data }) => payments.message('payflow.dispute.sweep.v1', data as never))),
  );
}

async function declined(id: string): Promise<AnyOutgoing[]> {
  const messages = await payments.tell(await payments.answer(id, 'declined'));
  return [...messages, ...(await payments.settle())];
}

describe('the notice of a dispute', () => {
  it.each<[string, () => Promise<string>]>([
    ['no provider was asked for', waiting],
    [
      'another provider was asked for',
      async () => {
        const id = await waiting();
        await sent(id, 'unknown', 'cards_b');
        return id;
      },
    ],
    [
      'its provider has declined, whatever has been heard of that',
      async () => {
        const id = await waiting();
        await sent(id, 'declined');
        return id;
      },
    ],
    [
      'is only set aside, and was not asked to be captured',
      async () => {
        const id = await payments.authorized({ ...CARD, capture: 'manual' });
        await sent(id, 'approved');
        return id;
      },
    ],
  ])('moves nothing of a card payment that %s', async (_what, make) => {
    const id = await make();
    expect(await payments.tell(notice(id, 'dispute_opened'))).toEqual([]);
    expect([await disputesOf(id), await believed(id)]).toEqual([[], [false]]);
  });

  it('is believed of one whose provider was asked for the money, though it has not answered', async () => {
    const id = await unanswered();
    expect(told(await payments.tell(notice(id, 'dispute_opened')))).toEqual(['dispute.opened', 'transfer.post']);
    await payments.settle();
    expect(await disputesOf(id)).toMatchObject([{ leg: 'taken' }]);
  });
});

describe('the dispute of a payment whose capture has not been heard of', () => {
  const amountOf = async (id: string) =>
    (await payments.db.database.rows<{ amount: bigint }>(AMOUNTS, [uuidOf('payment', id)])).map(({ amount }) => amount);
  /** Of 1,000 authorized so much is asked to be captured. */
  async function capturing(amount: string, capture: 'manual' | 'manual_multiple' = 'manual'): Promise<string> {
    const id = await payments.authorized({ ...CARD, capture });
    await sent(id, 'approved');
    await payments.tell(payments.wish(id, 'capture', { amount, final: capture === 'manual' }));
    await sent(id);
    return id;
  }

  it.each([
    ['is of that capture where its notice names no sum', null, [300n]],
    ['is of what its notice says, and of no more than the capture', '900', [300n]],
    ['is of what its notice says', '200', [200n]],
  ] as const)('%s', async (_what, amount, disputed) => {
    const id = await capturing('300');
    await payments.tell(notice(id, 'dispute_opened', 'cards', amount));
    expect(await amountOf(id)).toEqual(disputed);
    await payments.settle();
  });

  it('is of what was captured before where its notice names no sum, and of all of it where that is what it says', async () => {
    for (const [amount, disputed] of [
      [null, [300n]],
      ['500', [500n]],
    ] as const) {
      const id = await capturing('300', 'manual_multiple');
      await payments.tell(await payments.answer(id, 'approved'));
      await payments.settle();
      await payments.tell(payments.wish(id, 'capture', { amount: '200', final: false }));
      await sent(id);
      await payments.tell(notice(id, 'dispute_opened', 'cards', amount));
      expect(await amountOf(id)).toEqual(disputed);
      await payments.settle();
    }
  });
});

describe('what was taken for the dispute of a payment that then ends with nothing captured', () => {
  const between = () =>
    [payments.ledger.booked(DESTINATION, SOURCE), payments.ledger.booked(SOURCE, DESTINATION)] as const;

  it('is given back, and whatever the provider says of it later moves nothing more', async () => {
    const id = await unanswered();
    const [out, back] = between();
    await payments.tell(notice(id, 'dispute_opened'));
    await payments.settle();
    expect(await swept(await declined(id))).toEqual(['dispute.updated', 'transfer.post']);
    await payments.settle();
    expect(await disputesOf(id)).toEqual([{ status: 'needs_response', leg: 'returned', reason: null }]);
    expect(between()).toEqual([out + 400n, back + 400n]);
    expect(told(await payments.tell(notice(id, 'dispute_lost')))).toEqual(['dispute.lost']);
    expect(await disputesOf(id)).toMatchObject([{ status: 'lost', leg: 'returned' }]);
    expect(payments.asked).toEqual([]);
  });

  it('is given back when the ledger’s word comes after the end', async () => {
    const id = await unanswered();
    const [out, back] = between();
    await payments.tell(notice(id, 'dispute_opened'));
    expect(await swept(await declined(id))).toEqual([]);
    expect(await disputesOf(id)).toMatchObject([{ status: 'needs_response', leg: 'returned' }]);
    expect(between()).toEqual([out + 400n, back + 400n]);
  });

  it('is not asked for again where the ledger had refused to take it', async () => {
    const id = await unanswered();
    await payments.tell(notice(id, 'dispute_opened'));
    await payments.settle(() => 'insufficient_funds');
    expect(await swept(await declined(id))).toEqual(['dispute.updated']);
    expect(await disputesOf(id)).toEqual([{ status: 'needs_response', leg: 'waived', reason: null }]);
  });

  it('costs nothing where nobody disputes it', async () => {
    const id = await unanswered();
    expect(await swept(await declined(id))).toEqual([]);
  });
});
