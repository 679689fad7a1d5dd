import { newId, type LimitDefined, type RiskRuleDefined } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { defineLimit, defineRule, deleteLimit, deleteRule } from './define.js';
import type { OwnedPolicy } from './policy.repository.js';

const THEN = '2026-11-20T08:00:00.000Z';
const NOW = '2026-11-26T12:00:00.000Z';

const limitTerms = {
  ...({ id: newId('limit'), kind: 'per_day', scope: 'all', customer: null, method: null } as const),
  ...{ asset: 'USD', amount: '100', count: null, minutes: null, enabled: true },
};
const ruleTerms = {
  ...({ id: newId('riskRule'), priority: 10, verdict: 'deny', reason: 'odd' } as const),
  ...{ conditions: {}, enabled: true },
};
const limitTold: LimitDefined = { ...limitTerms, version: 3, defined_at: THEN };
const ruleTold: RiskRuleDefined = { ...ruleTerms, version: 5, defined_at: THEN };
const [limit, rule] = [
  { ...limitTold, counts_from: 2 },
  { ...ruleTold, counts_from: 1 },
];
const later = { ...rule, id: newId('riskRule'), priority: 20 };
const policy: OwnedPolicy = {
  ...{ tenant: newId('tenant'), livemode: false, version: 8 },
  ...{ limits: [limit], rules: [rule, later] },
};

describe('what is deleted', () => {
  it('is told as it was, a version on, and is gone from the policy, which keeps the rest', () => {
    expect(deleteLimit(policy, { id: limit.id, if_version: null }, NOW)).toEqual({
      kind: 'defined',
      terms: { ...limitTold, version: 4, deleted_at: NOW },
      policy: { ...policy, limits: [] },
    });
    expect(deleteRule(policy, { id: rule.id, if_version: 5 }, NOW)).toEqual({
      kind: 'defined',
      terms: { ...ruleTold, version: 6, deleted_at: NOW },
      policy: { ...policy, rules: [later] },
    });
  });

  it.each<[what: string, decision: unknown, reason: string]>([
    ['no limit', deleteLimit(policy, { id: newId('limit'), if_version: 1 }, NOW), 'limit_not_found'],
    ['another version of a limit', deleteLimit(policy, { id: limit.id, if_version: 2 }, NOW), 'version_differs'],
    ['no rule', deleteRule(policy, { id: newId('riskRule'), if_version: 1 }, NOW), 'risk_rule_not_found'],
    ['another version of a rule', deleteRule(policy, { id: rule.id, if_version: 6 }, NOW), 'version_differs'],
  ])('%s: refused', (_what, decision, reason) => {
    expect(decision).toEqual({ kind: 'refused', reason });
  });

  it('goes on by versions where it is defined again, as what is not there', () => {
    const empty = { ...policy, limits: [], rules: [] };
    const ended = (version: number) => ({ version, counted: limitTerms, countsFrom: 2 });
    expect(defineLimit(empty, { ...limitTerms, if_version: 0 }, NOW, ended(4))).toMatchObject({
      terms: { version: 5 },
    });
    expect(defineRule(empty, { ...ruleTerms, if_version: 0 }, NOW, ended(6))).toMatchObject({ terms: { version: 7 } });
    expect(defineRule(empty, { ...ruleTerms, if_version: 6 }, NOW, ended(6))).toEqual({
      ...{ kind: 'refused', reason: 'version_differs' },
    });
  });
});

describe('what is counted', () => {
  const velocity = (per: 'source' | 'destination') => ({ velocity: { per, more_than: 1, minutes: 5 } });
  const kept = { ...rule, conditions: velocity('source'), counts_from: 4 };
  const limitFrom = (change: object, ended?: Parameters<typeof defineLimit>[3]) =>
    defineLimit(
      { ...policy, limits: ended ? [] : [limit] },
      { ...limitTerms, ...change, if_version: null },
      NOW,
      ended,
    );
  const ruleFrom = (change: object, ended?: Parameters<typeof defineRule>[3]) =>
    defineRule({ ...policy, rules: ended ? [] : [kept] }, { ...ruleTerms, ...change, if_version: null }, NOW, ended);
  const ended = { version: 6, counted: limitTerms, countsFrom: 2 };

  it.each([
    ['a limit, goes on', limitFrom({ amount: '200' }), { counts_from: 2 }],
    ['a limit of another asset, begins', limitFrom({ asset: 'EUR' }), { counts_from: 4 }],
    ['a limit of a month that was one of a day, begins', limitFrom({ kind: 'per_month' }), { counts_from: 4 }],
    ['a limit of each customer that was one of all, begins', limitFrom({ scope: 'each_customer' }), { counts_from: 4 }],
    ['a limit that was deleted, of a month, begins', limitFrom({ kind: 'per_month' }, ended), { counts_from: 7 }],
    ['a limit that was deleted, goes on', limitFrom({}, ended), { counts_from: 2 }],
    ['a limit that was deleted, of another asset, begins', limitFrom({ asset: 'EUR' }, ended), { counts_from: 7 }],
    ['a rule, goes on', ruleFrom({ priority: 3, conditions: velocity('source') }), { counts_from: 4 }],
    ['a rule by something else, begins', ruleFrom({ conditions: velocity('destination') }), { counts_from: 6 }],
    ['a rule that was deleted, begins', ruleFrom({ conditions: velocity('source') }, ended), { counts_from: 7 }],
  ])('by %s', (_what, decision, from) => {
    const { terms, policy: next } = decision as Extract<typeof decision, { kind: 'defined' }>;
    expect(terms).not.toHaveProperty('counts_from');
    expect([...next.limits, ...next.rules].find(({ id }) => id === terms.id)).toMatchObject(from);
  });
});
