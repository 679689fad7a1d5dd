import { newId, type RiskRuleDefined, type RuleConditions } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import type { PaymentFacts } from './facts.js';
import { inOrder, judge } from './rules.js';

const [customer, source, destination] = [newId('customer'), newId('account'), newId('account')];
const card: PaymentFacts = {
  payment: newId('payment'),
  tenant: newId('tenant'),
  livemode: false,
  amount: 1_999n,
  asset: 'USD',
  method: { type: 'card', token: 'tok_visa', brand: 'visa', country: 'ZA' },
  customer,
  source,
  destination,
  at_ms: Date.parse('2026-11-26T23:59:59.999Z'),
};
const internal: PaymentFacts = { ...card, method: { type: 'internal' }, customer: null };
const never = () => 0;

const rule = (conditions: RuleConditions, more: Partial<RiskRuleDefined> = {}): RiskRuleDefined => ({
  id: newId('riskRule'),
  priority: 10,
  verdict: 'deny',
  reason: 'not_wanted',
  conditions,
  enabled: true,
  version: 1,
  defined_at: '2026-11-26T00:00:00.000Z',
  ...more,
});

describe('a rule means a payment of which all is so that it names', () => {
  const cases: [name: string, conditions: RuleConditions, facts: PaymentFacts, isMeant: boolean][] = [
    ['that names nothing', {}, internal, true],
    ['its asset', { asset: ['EUR', 'USD'] }, internal, true],
    ['another asset', { asset: ['EUR'] }, internal, false],
    ['the smallest sum', { asset: ['USD'], amount_gte: '1999' }, internal, true],
    ['a greater sum', { asset: ['USD'], amount_gte: '2000' }, internal, false],
    ['the greatest sum', { asset: ['USD'], amount_lte: '1999' }, internal, true],
    ['a smaller sum', { asset: ['USD'], amount_lte: '1998' }, internal, false],
    ['its method', { method: ['card'] }, card, true],
    ['another method', { method: ['card'] }, internal, false],
    ['its country', { country: ['NA', 'ZA'] }, card, true],
    ['another country', { country: ['NA'] }, card, false],
    ['the country of what has none', { country: ['ZA'] }, internal, false],
    ['its brand', { brand: ['visa'] }, card, true],
    ['the brand of what has none', { brand: ['visa'] }, internal, false],
    ['its customer', { customer: [customer] }, card, true],
    ['the customer of what has none', { customer: [customer] }, internal, false],
    ['its source', { source: [source] }, internal, true],
    ['another source', { source: [destination] }, internal, false],
    ['its destination', { destination: [destination] }, internal, true],
    ['its hour of UTC', { hour: [0, 23] }, internal, true],
    ['another hour', { hour: [0, 22] }, internal, false],
    ['one thing that is so and one that is not', { asset: ['USD'], hour: [1] }, internal, false],
  ];
  it.each(cases)('%s', (_name, conditions, facts, isMeant) => {
    const one = rule(conditions);
    expect(judge(facts, [one], never)).toEqual(
      isMeant ? { verdict: 'deny', rule: one.id, reason: 'not_wanted' } : { verdict: 'allow', rule: null },
    );
  });
});

describe('a velocity', () => {
  const counting = rule({ velocity: { per: 'customer', more_than: 2, minutes: 10 } });

  it('counts this payment with those before it', () => {
    expect(judge(card, [counting], () => 1).verdict).toBe('allow');
    expect(judge(card, [counting], () => 2).verdict).toBe('deny');
  });

  it('asks for the subject and the span that the rule names', () => {
    const asked: unknown[] = [];
    judge(card, [counting], (...question) => asked.push(question));
    expect(asked).toEqual([[counting.id, customer, 600_000]]);
  });

  it('means nobody where the payment names nobody', () => {
    expect(judge(internal, [counting], () => 99).verdict).toBe('allow');
    const perCard = rule({ velocity: { per: 'card', more_than: 1, minutes: 1 } });
    expect(judge(internal, [perCard], () => 99).verdict).toBe('allow');
    expect(judge(card, [perCard], () => 99).verdict).toBe('deny');
  });
});

describe('of several rules', () => {
  it('the first that means the payment decides', () => {
    const allow = rule({ source: [source] }, { verdict: 'allow', priority: 1 });
    const review = rule({}, { verdict: 'review', priority: 2, reason: 'look' });
    const deny = rule({}, { priority: 3 });
    const all = inOrder([deny, review, allow]);
    expect(judge(internal, all, never)).toEqual({ verdict: 'allow', rule: allow.id });
    const elsewhere = { ...internal, source: destination };
    expect(judge(elsewhere, all, never)).toEqual({ verdict: 'review', rule: review.id, reason: 'look' });
  });

  it('one that is off is passed over', () => {
    expect(judge(internal, [rule({}, { enabled: false })], never).verdict).toBe('allow');
  });

  it('the smaller id comes first of two that are alike', () => {
    const ids = [newId('riskRule'), newId('riskRule')].sort();
    const alike = ids.map((id) => rule({}, { id }));
    expect(inOrder(alike.toReversed()).map(({ id }) => id)).toEqual(ids);
  });
});
