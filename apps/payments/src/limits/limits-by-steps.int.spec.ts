import { newId, type LimitDefine, type RiskRuleDefine } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { statementsOf, until } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PaymentsUnderTest, told } from '../testing/payments-under-test.js';
import { reviewOf } from './review.repository.js';

const CARD = { type: 'card', token: 'tok_visa', country: 'ZA' } as const;
const USE = statement(
  'spec.limit-use-by-steps',
  `select reserved_minor::text as reserved, used_minor::text as used from limit_uses
   where limit_id = typeid_uuid($1) and window_start > to_timestamp(0)`,
);
const WAITING = statement(
  'spec.batches-that-wait',
  `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
);

let payments: PaymentsUnderTest;
let limit: string;

beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
  await payments.tell(
    rule({ priority: 1, verdict: 'deny', reason: 'country_blocked', conditions: { country: ['XX'] } }),
  );
  await payments.tell(rule({ priority: 2, verdict: 'review', reason: 'new_brand', conditions: { brand: ['odd'] } }));
});
afterAll(async () => {
  expect(await payments.closeWithBroken()).toEqual([]);
});

function rule(terms: Pick<RiskRuleDefine, 'priority' | 'verdict' | 'reason' | 'conditions'>) {
  const id = newId('riskRule');
  return payments.message('payflow.risk_rule.define.v1', { id, enabled: true, if_version: null, ...terms });
}

/** Each case has a limit of a customer's own. Returns what its payments name. */
async function limited(amount = '1500', customer = newId('customer'), method: LimitDefine['method'] = null) {
  limit = newId('limit');
  const terms = { kind: 'per_day', scope: 'customer', customer, method, asset: 'USD', amount } as const;
  const rest = { count: null, minutes: null, enabled: true, if_version: null };
  await payments.tell(
    payments.message('payflow.limit.define.v1', { id: limit, ...terms, ...rest } satisfies LimitDefine),
  );
  return { customer };
}
const use = async () => (await payments.db.database.rows(USE, [limit]))[0];
const decide = (payment: string, decision: 'approve' | 'deny' | 'expire') =>
  payments.message('payflow.review.decide.v1', { id: reviewOf(payment), payment, decision, reason: 'seen' });

it('a payment that was denied has failed, and neither ledger nor provider was asked', async () => {
  const create = payments.create({ method: { ...CARD, country: 'XX' }, capture: 'automatic' });
  const [event, ...others] = await payments.tell(create);
  expect(others).toEqual([]);
  expect(event).toMatchObject({
    type: 'payflow.payment.failed.v1',
    data: { status: 'failed', failure: { code: 'risk_denied', reason: 'country_blocked' }, version: 1 },
  });
  expect(await payments.row(create.data.id)).toMatchObject({ status: 'failed', operation_id: null });
  expect(await payments.operations(create.data.id)).toEqual(['authorization 1000 failed risk_denied']);
  expect(await payments.transitions(create.data.id)).toEqual(['processing failed']);
});

it('what is authorized is reserved, what is captured is used, and what is given back is free', async () => {
  const more = await limited();
  const id = await payments.authorized({ ...more, capture: 'manual' });
  expect(await use()).toEqual({ reserved: '1000', used: '0' });
  expect(told(await payments.tell(payments.create(more)))).toEqual(['payment.failed limit_exceeded']);
  await payments.tell(payments.wish(id, 'capture', { amount: '600' }));
  await payments.settle();
  expect(await use()).toEqual({ reserved: '0', used: '600' });
  await payments.tell(payments.wish(id, 'refund'));
  await payments.settle();
  expect(await use()).toEqual({ reserved: '0', used: '600' });
});

it.each<[how: string, end: (id: string) => Promise<unknown>]>([
  ['canceled', async (id) => payments.tell(payments.wish(id, 'cancellation'))],
  [
    'expired',
    async (id) => {
      await payments.db.tamper(
        `update payments set authorized_until = now() - interval '1 second' where id = typeid_uuid('${id}')`,
      );
      await payments.tell(payments.expire(id));
    },
  ],
])('one that is %s gives its place back', async (status, end) => {
  const id = await payments.authorized(await limited());
  await end(id);
  await payments.settle();
  expect(await payments.row(id)).toMatchObject({ status });
  expect(await use()).toEqual({ reserved: '0', used: '0' });
});

it('one that the provider declines, or the ledger refuses, gives its place back', async () => {
  const more = await limited();
  const card = payments.create({ ...more, method: CARD });
  await payments.tell(card);
  await payments.settle();
  await payments.tell(await payments.answer(card.data.id, 'declined'));
  await payments.settle();
  const poor = payments.create(more);
  await payments.tell(poor);
  await payments.settle(() => 'insufficient_funds');
  for (const { data } of [card, poor]) expect(await payments.row(data.id)).toMatchObject({ status: 'failed' });
  expect(await use()).toEqual({ reserved: '0', used: '0' });
});

it('a limit of cards is held against cards alone', async () => {
  const more = { ...(await limited('1500', newId('customer'), 'card')), capture: 'manual' } as const;
  const first = payments.create({ ...more, method: CARD });
  await payments.tell(first);
  await payments.settle();
  await payments.tell(await payments.answer(first.data.id, 'approved'));
  await payments.settle();
  expect(await payments.row(first.data.id)).toMatchObject({ status: 'authorized' });
  expect(await use()).toEqual({ reserved: '1000', used: '0' });
  expect(await payments.row(await payments.authorized(more))).toMatchObject({ status: 'authorized' });
  expect(await use()).toEqual({ reserved: '1000', used: '0' });
  const second = payments.create({ ...more, method: CARD });
  expect(told(await payments.tell(second))).toEqual(['payment.failed limit_exceeded']);
});

it('what is added to an authorization is held against the limits as well', async () => {
  const more = await limited('1500');
  const id = await payments.authorized(more);
  const increase = async (amount: string) => {
    await payments.tell(payments.wish(id, 'increment', { amount }));
    await payments.settle();
    return (await payments.operations(id)).at(-1);
  };
  expect(await increase('400')).toBe('increment 400 succeeded');
  expect(await use()).toEqual({ reserved: '1400', used: '0' });
  expect(await increase('101')).toBe('increment 101 failed limit_exceeded');
  expect(await increase('100')).toBe('increment 100 succeeded');
  await payments.tell(payments.wish(id, 'capture'));
  await payments.settle();
  expect(await use()).toEqual({ reserved: '0', used: '1500' });
});

it('what a capture takes beyond what is authorized is held against the limits as well', async () => {
  const more = { ...(await limited('1100')), method: CARD, capture: 'manual_multiple' } as const;
  const id = await payments.authorized(more);
  const capture = async (amount: string) => {
    await payments.tell(payments.wish(id, 'capture', { amount, final: false }));
    await payments.settle();
    if (await payments.attempt(id)) await payments.tell(await payments.answer(id, 'approved'));
    await payments.settle();
    return (await payments.operations(id)).at(-1);
  };
  expect(await capture('600')).toBe('capture 600 succeeded');
  // Within what is authorized nothing is added.
  expect(await use()).toEqual({ reserved: '1000', used: '0' });
  // 101 beyond it would pass the limit, though the provider would allow 150.
  expect(await capture('501')).toBe('capture 501 failed limit_exceeded');
  expect(await use()).toEqual({ reserved: '1000', used: '0' });
  expect(await capture('500')).toBe('capture 500 succeeded');
  expect(await use()).toEqual({ reserved: '0', used: '1100' });
});

it('captures of one batch are counted together: what the first leaves is all that the second takes for nothing', async () => {
  const more = { ...(await limited('1050')), method: CARD, capture: 'manual_multiple' } as const;
  const id = await payments.authorized(more);
  const wish = (amount: string) => payments.wish(id, 'capture', { amount, final: false });
  await payments.tell(wish('700'), wish('351'), wish('350'));
  expect(await use()).toEqual({ reserved: '1050', used: '0' });
  expect(await payments.operations(id)).toContain('capture 351 failed limit_exceeded');
});

it('what was to be added and comes to nothing is free again, long before the payment ends', async () => {
  const more = { ...(await limited('2000')), method: CARD, capture: 'manual_multiple' } as const;
  const id = await payments.authorized(more);
  const declined = async (...wish: Parameters<typeof payments.wish>) => {
    await payments.tell(payments.wish(...wish));
    const reserved = await use();
    await payments.settle();
    await payments.tell(await payments.answer(id, 'declined'));
    await payments.settle();
    return reserved;
  };
  for (const added of [700n, 800n, 900n]) {
    const reserved = (1_000n + added).toString();
    expect(await declined(id, 'increment', { amount: added.toString() })).toEqual({ reserved, used: '0' });
    expect(await use()).toEqual({ reserved: '1000', used: '0' });
  }
  expect(await declined(id, 'capture', { amount: '1100', final: false })).toEqual({ reserved: '1100', used: '0' });
  expect(await use()).toEqual({ reserved: '1000', used: '0' });
  await payments.tell(payments.wish(id, 'capture', { amount: '100', final: false }));
  await payments.settle();
  await payments.tell(await payments.answer(id, 'approved'));
  await payments.settle();
  // It is captured in part: nothing can be added to it, and nobody is asked.
  expect(told(await payments.tell(payments.wish(id, 'increment', { amount: '700' })))).toEqual([
    'increment.failed payment_not_incrementable of partially_captured',
  ]);
  expect(await use()).toEqual({ reserved: '1000', used: '0' });
  await payments.tell(payments.wish(id, 'capture'));
  await payments.settle();
  await payments.tell(await payments.answer(id, 'approved'));
  await payments.settle();
  expect(await use()).toEqual({ reserved: '0', used: '1000' });
});

it('what the payment itself forbids takes nothing that another could have, and is told what forbids it', async () => {
  const more = { ...(await limited('3000')), capture: 'manual_multiple' } as const;
  const [first, second] = [await payments.authorized(more), await payments.authorized(more)];
  await payments.tell(payments.wish(first, 'capture', { amount: '10', final: false }));
  await payments.settle();
  await payments.tell(
    ...['900', '5000'].map((amount) => payments.wish(first, 'increment', { amount })),
    payments.wish(first, 'capture', { amount: '2500', final: false }),
    payments.wish(second, 'increment', { amount: '1000' }),
  );
  await payments.settle();
  expect((await payments.operations(first)).slice(2)).toEqual([
    'increment 900 failed payment_not_incrementable',
    'increment 5000 failed payment_not_incrementable',
    'capture 2500 failed capture_exceeds_authorized',
  ]);
  expect((await payments.operations(second)).at(-1)).toBe('increment 1000 succeeded');
  expect(await use()).toEqual({ reserved: '3000', used: '0' });
});

it('what is being added, and has not been answered, counts in what may still be', async () => {
  const customer = newId('customer');
  const whole = { id: newId('limit'), kind: 'per_payment', scope: 'customer', customer, method: null } as const;
  const rest = { asset: 'USD', amount: '1500', count: null, minutes: null, enabled: true, if_version: null };
  await payments.tell(payments.message('payflow.limit.define.v1', { ...whole, ...rest }));
  const id = await payments.authorized({ customer, method: CARD });
  await payments.tell(payments.wish(id, 'increment', { amount: '400' }));
  await payments.tell(payments.wish(id, 'increment', { amount: '101' }));
  await payments.tell(payments.wish(id, 'increment', { amount: '100' }));
  const waiting = await payments.operations(id);
  expect(waiting).toContain('increment 101 failed limit_exceeded');
  expect(waiting).not.toContain('increment 100 failed limit_exceeded');
});

it('what is added in one mode says nothing about a payment of the same id in the other', async () => {
  const live = <T extends object>(message: T): T => ({ ...message, livemode: true });
  const customer = newId('customer');
  const whole = () => ({ id: newId('limit'), kind: 'per_payment', scope: 'customer', customer, method: null }) as const;
  const rest = { asset: 'USD', amount: '1500', count: null, minutes: null, enabled: true, if_version: null };
  await payments.tell(payments.message('payflow.limit.define.v1', { ...whole(), ...rest }));
  await payments.tell(live(payments.message('payflow.limit.define.v1', { ...whole(), ...rest })));
  const create = payments.create({ customer });
  await payments.tell(create, live(payments.create({ ...create.data })));
  payments.asked.splice(0);
  const increments = [create, live(create)].map((one) => ({
    ...payments.wish(create.data.id, 'increment', { amount: '400' }),
    livemode: one.livemode,
  }));
  expect(told(await payments.tell(...increments))).toEqual([]);
  expect(await payments.operations(create.data.id)).not.toContain('increment 400 failed limit_exceeded');
});

it('windows are locked when all payments are, so that two batches never wait for each other', async () => {
  const more = await limited('100000');
  const [card, manual] = [payments.create({ ...more, method: CARD }), await payments.authorized(more)];
  const direct = payments.create({ ...more, capture: 'automatic' });
  await payments.tell(card, direct);
  const ask = [payments.wish(manual, 'cancellation'), payments.wish(card.data.id, 'cancellation')];
  const taken = await statementsOf(() => payments.tell(payments.create(more), ...ask));
  // What the turns lock later they have by then.
  const [locked, counted] = [taken.indexOf('lives.lock'), taken.indexOf('limit-uses.lock')];
  expect(locked).toBeGreaterThan(0);
  expect(locked).toBeLessThan(counted);
  const verdicts = payments.asked.splice(0).map((command) => payments.ledger.answer(command));
  const heard = await statementsOf(() => payments.hear(...verdicts));
  expect(heard).toContain('payments.finish');
  expect(heard.indexOf('lives.save')).toBeGreaterThan(heard.indexOf('lives.lock'));
  expect(await payments.row(direct.data.id)).toMatchObject({ status: 'succeeded' });
  expect(await payments.row(manual)).toMatchObject({ status: 'canceled' });
});

it('one under review begins when it is approved, and what was asked of it meanwhile goes on then', async () => {
  const create = payments.create({ ...(await limited()), method: { ...CARD, brand: 'odd' } });
  const { id } = create.data;
  expect(told(await payments.tell(create))).toEqual(['review.opened']);
  expect(told(await payments.tell(payments.wish(id, 'cancellation')))).toEqual([]);
  expect(told(await payments.tell(decide(id, 'approve')))).toEqual(['review.decided', 'hold.place']);
  await payments.settle();
  await payments.tell(await payments.answer(id, 'approved'));
  await payments.settle();
  await payments.tell(await payments.answer(id, 'approved'));
  await payments.settle();
  expect(await payments.row(id)).toMatchObject({ status: 'canceled' });
  expect(await use()).toEqual({ reserved: '0', used: '0' });
});

it('one that waits to be confirmed does so when it has been approved', async () => {
  const create = payments.create({ method: { ...CARD, brand: 'odd' }, confirm: false });
  await payments.tell(create);
  expect(told(await payments.tell(decide(create.data.id, 'approve')))).toEqual([
    'review.decided',
    'payment.requires_action',
  ]);
  expect(told(await payments.tell(payments.wish(create.data.id, 'confirmation')))).toEqual([
    'payment.updated processing',
    'hold.place',
  ]);
});

it.each([
  ['deny', 'review_denied'],
  ['expire', 'review_expired'],
] as const)('one under review ends by %s, and so does what was asked of it meanwhile', async (decision, code) => {
  const create = payments.create({ ...(await limited()), method: { ...CARD, brand: 'odd' } });
  const { id } = create.data;
  await payments.tell(create);
  await payments.tell(payments.wish(id, 'capture'));
  if (decision === 'expire')
    await payments.db.tamper(`update reviews set expires_at = now() where id = typeid_uuid('${id}')`);
  expect(told(await payments.tell(decide(id, decision)))).toEqual([
    'review.decided',
    `payment.failed ${code}`,
    'capture.failed payment_not_capturable of failed',
  ]);
  expect(await payments.row(id)).toMatchObject({ status: 'failed', failure_reason: 'new_brand', operation_id: null });
  expect(await use()).toEqual({ reserved: '0', used: '0' });
});

it.each([
  ['deny', 'review_denied', 'cancellation', 'payment_not_cancelable'],
  ['expire', 'review_expired', 'confirmation', 'payment_not_confirmable'],
] as const)('by %s, one ends so that was to be confirmed after its review', async (decision, code, kind, refusal) => {
  const create = payments.create({ method: { ...CARD, brand: 'odd' }, confirm: false });
  const { id } = create.data;
  await payments.tell(create);
  await payments.tell(payments.wish(id, kind));
  if (decision === 'expire')
    await payments.db.tamper(`update reviews set expires_at = now() where id = typeid_uuid('${id}')`);
  expect(told(await payments.tell(decide(id, decision)))).toEqual([
    ...['review.decided', `payment.failed ${code}`, `${kind}.failed ${refusal} of failed`],
  ]);
  expect(await payments.row(id)).toMatchObject({ status: 'failed', operation_id: null });
});

it('a direct payment under review that is denied ends what has waited for it', async () => {
  await payments.tell(rule({ priority: 3, verdict: 'review', reason: 'eur', conditions: { asset: ['EUR'] } }));
  const create = payments.create({ asset: 'EUR', capture: 'automatic' });
  await payments.tell(create);
  await payments.tell(payments.wish(create.data.id, 'cancellation'));
  expect(told(await payments.tell(decide(create.data.id, 'deny')))).toEqual([
    'review.decided',
    'payment.failed review_denied',
    'cancellation.failed payment_not_cancelable of failed',
  ]);
  const good = payments.create({ asset: 'EUR', capture: 'automatic' });
  await payments.tell(good);
  expect(told(await payments.tell(decide(good.data.id, 'approve')))).toEqual(['review.decided', 'transfer.post']);
  expect(told(await payments.settle())).toEqual(['payment.succeeded']);
});

it('two batches never wait for each other: what ends gives its place back in windows that are locked with the others', async () => {
  const [first, second] = [newId('customer'), newId('customer')].sort() as [string, string];
  const each = newId('limit');
  const terms = {
    kind: 'per_day',
    scope: 'each_customer',
    customer: null,
    method: null,
    asset: 'USD',
    amount: '9000',
  } as const;
  const rest = { count: null, minutes: null, enabled: true, if_version: null };
  await payments.tell(
    payments.message('payflow.limit.define.v1', { id: each, ...terms, ...rest } satisfies LimitDefine),
  );
  const waiting = payments.create({ customer: first, confirm: false });
  await payments.tell(waiting, payments.create({ customer: second, confirm: false }));
  const window = (customer: string) =>
    `select from limit_uses where limit_id = typeid_uuid('${each}') and subject = '${customer}' and window_start > to_timestamp(0) for update`;
  const other = new Client({ connectionString: payments.db.adminUrl });
  await other.connect();
  try {
    await other.query('begin');
    expect((await other.query(window(first))).rowCount).toBe(1);
    const batch = payments.tell(
      payments.create({ customer: second, confirm: false }),
      payments.wish(waiting.data.id, 'cancellation'),
    );
    await until('the batch waits', async () => (await payments.db.database.rows(WAITING)).length > 0);
    expect((await other.query(`${window(second)} nowait`)).rowCount).toBe(1);
    await other.query('commit');
    expect(told(await batch)).toContain('payment.canceled');
  } finally {
    await other.end();
  }
});
