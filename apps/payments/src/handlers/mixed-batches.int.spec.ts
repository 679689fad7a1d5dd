import { fromUuid, newId, uuidOf, type AnyMessage, type NoticeKind, type PaymentCreate } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { statementsOf } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reviewOf } from '../limits/review.repository.js';
import { PaymentsUnderTest, TENANT, told } from '../testing/payments-under-test.js';
import type { LedgerVerdict } from '../testing/played-ledger.js';

const CARD = { method: { type: 'card', token: 'tok_visa' } } as const;
const DIRECT = { capture: 'automatic' } as const;
/** Per batch, whatever is in it. */
const STATEMENTS_MAX = 10;
const USED = statement(
  'spec.used-of-limit',
  `select reserved_minor as reserved, used_minor as used from limit_uses where limit_id = $1`,
);
const DISPUTE = statement('spec.dispute-of', `select id from disputes where payment_id = $1`);

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(async () => {
  expect(await payments.closeWithBroken()).toEqual([]);
});

const limit = (more: object = {}) =>
  payments.message('payflow.limit.define.v1', {
    ...{ id: newId('limit'), kind: 'per_day', scope: 'all', customer: null, method: null, asset: 'USD' },
    ...{ amount: '100000000', count: null, minutes: null, enabled: true, if_version: null },
    ...more,
  } as never);
const rule = (asset: string, verdict: 'deny' | 'review') =>
  payments.message('payflow.risk_rule.define.v1', {
    ...{
      id: newId('riskRule'),
      priority: 1,
      verdict,
      reason: `${verdict}_${asset.toLowerCase()}`,
      conditions: { asset: [asset] },
    },
    ...{ enabled: true, if_version: null },
  } as never);
const notice = (id: string, kind: NoticeKind, attempt: string | null = null) =>
  payments.message('payflow.payment.notice.v1', {
    ...{ id, connector: 'cards', notice: newId('event'), kind, attempt, provider_reference: `dsp_${id}` },
    ...{ code: 'fraudulent', amount: null, occurred_at: new Date().toISOString() },
  } as never);
const decide = (payment: string, decision: 'approve' | 'deny') =>
  payments.message('payflow.review.decide.v1', { id: reviewOf(payment), payment, decision, reason: 'seen' });

async function taken(change: Partial<PaymentCreate>): Promise<string> {
  const create = payments.create(change);
  await payments.tell(create);
  return create.data.id;
}

async function settled(change: Partial<PaymentCreate>): Promise<string> {
  const id = await taken(change);
  await payments.settle();
  return id;
}

const used = (id: string) => payments.db.database.rows(USED, [uuidOf('limit', id)]);

/** By cards, and all of it captured. */
async function captured(): Promise<string> {
  const id = await payments.authorized({ ...CARD, capture: 'manual' });
  await payments.tell(payments.wish(id, 'capture'));
  await payments.tell(await payments.answer(id, 'approved'));
  await payments.settle();
  return id;
}

const attemptOf = async (id: string) => (await payments.answer(id, 'approved')).data.attempt;
const disputeOf = async (id: string): Promise<string> => {
  const [row] = await payments.db.database.rows<{ id: string }>(DISPUTE, [uuidOf('payment', id)]);
  return fromUuid('dispute', row?.id as string);
};

/** The statements of a handler's batch: those of the outbox are not its own. */
async function costOf(work: () => Promise<unknown>): Promise<string[]> {
  return (await statementsOf(work)).filter((name) => !name.startsWith('outbox.'));
}

/** Limits, rules, reviews, disputes and a clock, with what is asked of payments on every rail. */
async function commandsOfEveryKind(): Promise<AnyMessage[]> {
  await payments.tell(
    limit(),
    limit({ kind: 'velocity', asset: null, amount: null, count: 1_000, minutes: 5 }),
    rule('EUR', 'deny'),
    rule('GBP', 'review'),
  );
  const known = payments.create(DIRECT);
  await payments.tell(known);
  await payments.settle();
  const manual = await settled({});
  const [declined, approved] = [await taken({ ...DIRECT, asset: 'GBP' }), await taken({ asset: 'GBP' })];
  await payments.tell(payments.wish(declined, 'cancellation'));
  const card = await payments.authorized(CARD);
  const [answered, asking] = [await settled(CARD), await settled(CARD)];
  const [disputed, sold] = [await captured(), await captured()];
  await payments.tell(notice(disputed, 'dispute_opened'));
  await payments.settle();
  const submitted = { id: disputed, dispute: await disputeOf(disputed), evidence: { receipt: 'It was delivered.' } };
  return [
    payments.message('payflow.payments_clock.set.v1', { id: TENANT, version: 1, ahead_ms: 1 }),
    { ...limit(), tenant: newId('tenant') },
    { ...rule('ZAR', 'deny'), tenant: newId('tenant') },
    known,
    payments.create(DIRECT),
    payments.create({ ...DIRECT, asset: 'EUR' }),
    payments.create({ ...DIRECT, asset: 'GBP' }),
    payments.create(CARD),
    decide(declined, 'deny'),
    decide(approved, 'approve'),
    payments.wish(manual, 'increment'),
    payments.wish(known.data.id, 'refund', { amount: '1' }),
    payments.wish(asking, 'cancellation'),
    payments.wish(card, 'cancellation'),
    payments.wish(sold, 'refund', { amount: '1' }),
    await payments.answer(answered, 'approved'),
    notice(sold, 'dispute_opened'),
    notice(asking, 'attempt_approved', await attemptOf(asking)),
    payments.message('payflow.dispute.submit_evidence.v1', { ...submitted, created_at: new Date().toISOString() }),
  ];
}

/** What the ledger says to all of it at once, and again. */
async function verdictsOfEveryKind(): Promise<LedgerVerdict[]> {
  const known = payments.asked.splice(0).map((command) => payments.ledger.answer(command));
  await payments.hear(...known);
  await settled({});
  const disputed = await captured();
  payments.asked.splice(0);
  const waiting = payments.create(DIRECT);
  await payments.tell(
    ...[waiting, payments.wish(waiting.data.id, 'cancellation'), payments.create(DIRECT), payments.create(CARD)],
    notice(disputed, 'dispute_opened'),
  );
  const [first, ...others] = payments.asked.splice(0);
  const foreign = payments.ledger.answer({ ...(first as never as object), id: newId('event') } as never);
  return [
    ...known.slice(0, 1),
    { ...foreign, id: newId('event'), data: { ...foreign.data, payment: null } } as LedgerVerdict,
    ...[first, ...others].map((command, at) =>
      payments.ledger.answer(command as never, at === 0 ? 'insufficient_funds' : undefined),
    ),
  ];
}

describe('a batch of everything at once costs ten statements at most', () => {
  it('of commands', async () => {
    const batch = await commandsOfEveryKind();
    let sent: Awaited<ReturnType<typeof payments.tell>> = [];
    const cost = await costOf(async () => void (sent = await payments.tell(...batch)));
    expect(cost).toEqual([
      'test-clocks.move',
      'payments.insert-more',
      'policies.hold',
      'lives.load-more',
      'limit-uses.lock',
      'limit-uses.times',
      'limits.save',
      'lives.save',
      'disputes.save',
      'jobs.enqueue',
    ]);
    expect(cost.length).toBeLessThanOrEqual(STATEMENTS_MAX);
    expect(told(sent).toSorted()).toEqual([
      'cancellation.failed payment_not_cancelable of failed',
      'dispute.opened',
      ...Array.from({ length: 4 }, () => 'hold.place'),
      'limit.defined',
      'payment.authorized',
      'payment.failed review_denied',
      'payment.failed risk_denied',
      'payments_clock.moved',
      'review.decided',
      'review.decided',
      'review.opened',
      'risk_rule.defined',
      ...Array.from({ length: 3 }, () => 'transfer.post'),
    ]);
  });

  it('of verdicts', async () => {
    const batch = await verdictsOfEveryKind();
    const cost = await costOf(() => payments.hear(...batch));
    expect(cost).toEqual([
      'inbox.pass-over',
      'lives.lock',
      'payments.finish',
      'payments.decided-by',
      'lives.load',
      'lives.save',
      'jobs.enqueue',
      'disputes.load',
      'disputes.save',
    ]);
    expect(cost.length).toBeLessThanOrEqual(STATEMENTS_MAX);
  });
});

describe('in one batch, as in many', () => {
  it('a payment is reviewed, decided on, and called off', async () => {
    const [denied, approved] = [payments.create({ ...DIRECT, asset: 'GBP' }), payments.create({ asset: 'GBP' })];
    const sent = await payments.tell(
      ...[denied, approved, decide(denied.data.id, 'deny'), decide(approved.data.id, 'approve')],
      ...[decide(denied.data.id, 'approve'), payments.wish(denied.data.id, 'cancellation')],
    );
    expect(told(sent).toSorted()).toEqual([
      'cancellation.failed payment_not_cancelable of failed',
      'hold.place',
      'payment.failed review_denied',
      'review.decided',
      'review.decided',
      'review.opened',
      'review.opened',
      'review.rejected',
    ]);
    expect(await payments.row(denied.data.id)).toMatchObject({ status: 'failed', admission: 'judged', version: 1n });
    await payments.settle();
  });

  it('what is taken of a limit is given back by the end of its payment, and counts what was added to it', async () => {
    const customer = newId('customer');
    const own = limit({ id: newId('limit'), scope: 'customer', customer, amount: '1500' });
    const create = payments.create({ customer });
    const more = { amount: '400' };
    await payments.tell(
      ...[
        own,
        create,
        payments.wish(create.data.id, 'increment', more),
        payments.wish(create.data.id, 'increment', more),
      ],
    );
    expect(await used(own.data.id)).toEqual([{ reserved: 1400n, used: 0n }]);
    await payments.settle();
    expect(await payments.operations(create.data.id)).toContain('increment 400 failed limit_exceeded');
    // Neither held nor asked for: the ledger refuses, and a card's owner calls off another.
    const [other, card] = [
      payments.create({ customer, amount: '1' }),
      payments.create({ ...CARD, customer, amount: '2' }),
    ];
    await payments.tell(other, card, payments.wish(card.data.id, 'cancellation'), payments.expire(create.data.id));
    expect(await used(own.data.id)).toEqual([{ reserved: 1403n, used: 0n }]);
    await payments.settle(() => 'insufficient_funds');
    expect(await used(own.data.id)).toEqual([{ reserved: 1400n, used: 0n }]);
  });

  it('as many at once on the same payments and limits, each has its effect once', async () => {
    const customer = newId('customer');
    const own = limit({ scope: 'customer', customer, amount: '100000' });
    await payments.tell(own);
    const manual = await Promise.all(Array.from({ length: 6 }, () => payments.authorized({ customer })));
    const disputed = await captured();
    const batchOf = (at: number) => [
      ...(at % 2 ? manual : manual.toReversed()).map((id) => payments.wish(id, 'increment', { amount: `${at + 1}` })),
      ...[payments.create({ customer, amount: '10' }), payments.create({ ...DIRECT, customer, asset: 'EUR' })],
      ...[limit({ scope: 'customer', customer, amount: '90000' }), notice(disputed, 'dispute_opened')],
    ];
    const sent = await Promise.all(Array.from({ length: 6 }, (_, at) => payments.tell(...batchOf(at))));
    expect(told(sent.flat()).filter((name) => name === 'dispute.opened')).toHaveLength(1);
    expect(told(sent.flat()).filter((name) => name === 'limit.defined')).toHaveLength(6);
    while (payments.asked.length > 0) await payments.settle();
    // Six payments of 1000 and what was added to each, and six of 10.
    expect(await used(own.data.id)).toEqual([{ reserved: 6n * (1_000n + 21n) + 60n, used: 0n }]);
    const rows = await Promise.all(manual.map((id) => payments.row(id)));
    expect(new Set(rows.map((row) => row['amount_authorized_minor']))).toEqual(new Set([1_021n]));
  });

  it('a refund behind the notice of a dispute is decided when that has been heard, one before it as if nothing had been', async () => {
    const [behind, before] = [await captured(), await captured()];
    const sent = await payments.tell(
      ...[notice(behind, 'dispute_opened'), payments.wish(behind, 'refund')],
      ...[payments.wish(before, 'refund', { amount: '1' }), notice(before, 'dispute_opened')],
    );
    expect(told(sent).toSorted()).toEqual([
      ...['dispute.opened', 'dispute.opened', 'hold.place', 'refund.failed payment_disputed of succeeded'],
      ...['transfer.post', 'transfer.post'],
    ]);
    await payments.settle();
    const won = [notice(behind, 'dispute_won'), payments.wish(behind, 'refund', { amount: '1' })];
    expect(told(await payments.tell(...won))).toEqual(['dispute.won', 'transfer.post', 'hold.place']);
    await payments.settle();
  });

  it('what is asked of a payment behind such a refund comes behind it, and is held against limits there', async () => {
    const customer = newId('customer');
    const own = limit({ scope: 'customer', customer, amount: '2050' });
    await payments.tell(own);
    const part = await payments.authorized({ ...CARD, capture: 'manual_multiple', customer });
    await payments.tell(payments.wish(part, 'capture', { amount: '400', final: false }));
    await payments.tell(await payments.answer(part, 'approved'));
    const id = await payments.authorized({ ...CARD, customer });
    await payments.settle();
    const batch = [
      ...[notice(part, 'dispute_opened'), payments.wish(part, 'refund')],
      ...['700', '630'].map((amount) => payments.wish(part, 'capture', { amount, final: false })),
      ...[notice(id, 'dispute_opened'), payments.wish(id, 'refund')],
      ...['100', '20'].map((amount) => payments.wish(id, 'increment', { amount })),
    ];
    const cost = await costOf(() => payments.tell(...batch));
    expect((await payments.operations(part)).slice(-3)).toEqual([
      'refund failed payment_disputed',
      'capture 700 failed limit_exceeded',
      'capture 630 reserving',
    ]);
    expect((await payments.operations(id)).slice(-3)).toEqual([
      'refund failed payment_not_refundable',
      'increment 100 failed limit_exceeded',
      'increment 20 reserving',
    ]);
    expect(await used(own.data.id)).toEqual([{ reserved: 2_050n, used: 0n }]);
    expect(cost).toEqual([
      ...['disputes.load', 'disputes.save', 'lives.lock', 'lives.load'],
      ...['policies.load', 'limit-uses.lock', 'limits.save', 'lives.save'],
    ]);
    await payments.settle();
  });

  it('a dispute is opened of money whose capture its provider tells in the same breath', async () => {
    const card = await settled({ ...CARD, capture: 'automatic' });
    const answer = await payments.answer(card, 'approved');
    expect(told(await payments.tell(answer, notice(card, 'dispute_opened')))).toContain('dispute.opened');
    const failing = await settled({ ...CARD, capture: 'automatic' });
    await payments.tell(await payments.answer(failing, 'declined'));
    await payments.settle();
    const late = [payments.wish(failing, 'cancellation'), notice(failing, 'dispute_opened')];
    expect(told(await payments.tell(...late))).toEqual(['cancellation.failed payment_not_cancelable of failed']);
    await payments.settle();
  });
});
