import { newId, type LimitDefined } from '@payflow/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PaymentFacts } from './facts.js';
import { Tally, windowsOf, type Policy } from './tally.js';
import { NOBODY, subjectOf, windowOf } from './windows.js';

const [tenant, anna, ben] = [newId('tenant'), newId('customer'), newId('customer')];
const NOON_MS = Date.parse('2026-11-26T12:00:00.000Z');

const facts = (more: Partial<PaymentFacts> = {}): PaymentFacts => ({
  payment: newId('payment'),
  tenant,
  livemode: false,
  amount: 100n,
  asset: 'USD',
  method: { type: 'internal' },
  customer: anna,
  source: newId('account'),
  destination: newId('account'),
  at_ms: NOON_MS,
  ...more,
});

const limit = (more: Partial<LimitDefined>): LimitDefined => ({
  id: newId('limit'),
  kind: 'per_day',
  scope: 'all',
  customer: null,
  method: null,
  asset: 'USD',
  amount: '250',
  count: null,
  minutes: null,
  enabled: true,
  version: 1,
  defined_at: '2026-11-26T00:00:00.000Z',
  ...more,
});
const velocity = (count: number, minutes: number, more: Partial<LimitDefined> = {}) =>
  limit({ kind: 'velocity', amount: null, asset: null, count, minutes, ...more });

const empty = () => new Tally(new Map(), new Map());
/** What becomes of payment after payment: `ok`, or the kind of the limit it would pass. */
const verdicts = (limits: readonly LimitDefined[], payments: readonly PaymentFacts[], tally = empty()) => {
  const policy: Policy = { limits, rules: [] };
  return payments.map((payment) => {
    const admission = tally.admit(payment, policy);
    return admission.kind === 'denied' ? admission.reason : 'ok';
  });
};

describe('a limit', () => {
  it('of a single payment lets its very sum pass, and no more', () => {
    const one = limit({ kind: 'per_payment' });
    expect(verdicts([one], [facts({ amount: 250n }), facts({ amount: 251n })])).toEqual(['ok', 'per_payment']);
  });

  it('of a day counts what those before took', () => {
    expect(verdicts([limit({})], [facts(), facts(), facts(), facts({ amount: 50n })])).toEqual([
      'ok',
      'ok',
      'per_day',
      'ok',
    ]);
  });

  it('ends with the UTC day, and the month with the UTC month', () => {
    const border = (text: string) => facts({ amount: 250n, at_ms: Date.parse(text) });
    const last = border('2026-11-30T23:59:59.999Z');
    expect(verdicts([limit({})], [last, border('2026-11-30T00:00:00.000Z')])).toEqual(['ok', 'per_day']);
    expect(verdicts([limit({})], [last, border('2026-12-01T00:00:00.000Z')])).toEqual(['ok', 'ok']);
    const month = [limit({ kind: 'per_month' })];
    expect(verdicts(month, [border('2026-11-01T00:00:00.000Z'), last])).toEqual(['ok', 'per_month']);
    expect(verdicts(month, [last, border('2026-12-01T00:00:00.000Z')])).toEqual(['ok', 'ok']);
  });

  it('of how often slides', () => {
    const later = (minutes: number) => facts({ at_ms: NOON_MS + minutes * 60_000 });
    expect(verdicts([velocity(2, 10)], [later(0), later(9), later(9), later(10), later(19)])).toEqual([
      'ok',
      'ok',
      'velocity',
      'ok',
      'ok',
    ]);
  });

  it('of how often counts a late payment among those around it, and not among what came long after', () => {
    const at = (minutes: number) => facts({ at_ms: NOON_MS + minutes * 60_000 });
    const inTurn = [at(100), at(101), at(102)];
    expect(verdicts([velocity(3, 10)], [...inTurn, at(0), at(93), at(92), at(111), at(112)])).toEqual([
      ...['ok', 'ok', 'ok', 'ok'],
      ...['velocity', 'ok', 'ok', 'ok'],
    ]);
  });

  it('counts each customer apart, one, or all; those without one share one', () => {
    const big = { amount: 250n };
    const each = [facts({ ...big }), facts({ ...big, customer: ben }), facts({ ...big, customer: null })];
    expect(verdicts([limit({ scope: 'each_customer' })], [...each, ...each])).toEqual(
      ['ok', 'ok', 'ok'].concat(['per_day', 'per_day', 'per_day']),
    );
    expect(verdicts([limit({ scope: 'customer', customer: ben })], [...each, ...each])).toEqual(
      ['ok', 'ok', 'ok'].concat(['ok', 'per_day', 'ok']),
    );
    expect(verdicts([limit({})], each)).toEqual(['ok', 'per_day', 'per_day']);
    expect(subjectOf({ scope: 'each_customer' }, { customer: null })).toBe(NOBODY);
  });

  it.each([
    ['of internal payments', 'internal', { type: 'internal' }],
    ['of cards', 'card', { type: 'card', token: 'tok_visa' }],
  ] as const)('%s counts those, and no others', (_what, method, its) => {
    const others = {
      method: method === 'card' ? ({ type: 'internal' } as const) : ({ type: 'card', token: 't' } as const),
    };
    const payments = [
      facts({ method: its }),
      facts({ ...others, amount: 1_000n }),
      facts({ method: its, amount: 151n }),
    ];
    expect(verdicts([limit({ method })], payments)).toEqual(['ok', 'ok', 'per_day']);
  });

  it.each([
    ['another asset', limit({ asset: 'EUR' })],
    ['another method', limit({ method: 'card' })],
    ['nothing, being off', limit({ enabled: false })],
  ])('is about %s', (_name, one) => {
    expect(verdicts([one], [facts({ amount: 1_000n })])).toEqual(['ok']);
    expect(windowsOf(facts(), { limits: [one], rules: [] })).toEqual([]);
  });

  it('that refuses leaves nothing taken of the others', () => {
    const tally = empty();
    const [day, each] = [limit({ amount: '1000' }), velocity(1, 5)];
    expect(verdicts([day, each], [facts(), facts(), facts()], tally)).toEqual(['ok', 'velocity', 'velocity']);
    expect(tally.growth).toMatchObject([{ by: day.id, added: 100n, allowed: 1_000n }]);
    expect(tally.reservations).toHaveLength(2);
  });
});

it('takes what a model takes, whatever comes: never past the sum, nor past the count', () => {
  const payment = fc.record({
    amount: fc.bigInt({ min: 1n, max: 120n }),
    customer: fc.constantFrom(anna, ben, null),
    asset: fc.constantFrom('USD', 'EUR'),
    at_ms: fc.integer({ min: 0, max: 4 * 24 * 60 }).map((minutes) => NOON_MS + minutes * 60_000),
  });
  fc.assert(
    fc.property(fc.array(payment, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (all, count) => {
      const limits = [
        limit({ scope: 'each_customer', amount: '200' }),
        velocity(count, 600, { scope: 'customer', customer: anna }),
      ];
      const payments = all.map((one) => facts(one));
      const accepted: PaymentFacts[] = [];
      const expected = payments.map((one) => {
        const day = (other: PaymentFacts) => new Date(other.at_ms).toISOString().slice(0, 10);
        const sameDay = accepted.filter(
          (other) =>
            one.asset === 'USD' && other.asset === 'USD' && other.customer === one.customer && day(other) === day(one),
        );
        const together = [...accepted.filter(({ customer }) => customer === anna), one];
        const span_ms = 600 * 60_000;
        // Each span that has this one in it ends with a payment.
        const fullest = together
          .filter(({ at_ms }) => at_ms >= one.at_ms && at_ms < one.at_ms + span_ms)
          .map(({ at_ms: end }) => together.filter(({ at_ms }) => at_ms > end - span_ms && at_ms <= end).length);
        if (one.asset === 'USD' && sameDay.reduce((sum, { amount }) => sum + amount, one.amount) > 200n)
          return 'per_day';
        if (one.customer === anna && Math.max(...fullest) > count) return 'velocity';
        accepted.push(one);
        return 'ok';
      });
      expect(verdicts(limits, payments)).toEqual(expected);
    }),
  );
});

it('puts an instant into its UTC day and month', () => {
  const at = Date.parse('2024-02-29T23:59:59.999Z');
  expect(new Date(windowOf('per_day', at)).toISOString()).toBe('2024-02-29T00:00:00.000Z');
  expect(new Date(windowOf('per_month', at)).toISOString()).toBe('2024-02-01T00:00:00.000Z');
});
