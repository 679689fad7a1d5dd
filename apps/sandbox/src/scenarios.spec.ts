import { describe, expect, it } from 'vitest';
import type { Asked } from './domain/operation.js';
import { PLAIN_TOKENS, SCENARIOS, isToken, scenarioOf } from './scenarios.js';

const NO_CHAOS = { share: 0, seed: '' };
const of = (type: Asked, amount: bigint | null, token: string) =>
  scenarioOf({ type, amount, idempotencyKey: 'k' }, token, NO_CHAOS).name;

describe('a scenario', () => {
  const choices: readonly [Asked, bigint | null, string, string][] = [
    ['sale', 1_999n, 'tok_visa', 'plain'],
    ['sale', 1_999n, 'tok_decline_card_expired', 'decline_card_expired'],
    ['authorize', 1_999n, 'tok_500_after', '500_after'],
    // A token speaks of the authorization alone, unless it says otherwise.
    ['capture', 1_999n, 'tok_500_after', 'plain'],
    ['capture', 1_999n, 'tok_500_after-on-capture', '500_after'],
    ['authorize', 1_999n, 'tok_500_after-on-capture', 'plain'],
    ['void', null, 'tok_silent-on-void', 'silent'],
    ['evidence', null, 'tok_cut_after-on-evidence', 'cut_after'],
    // The amount speaks of its own operation, and the token before it.
    ['refund', 59_024n, 'tok_visa', '500_after'],
    ['sale', 9_002n, 'tok_visa', 'decline_insufficient_funds'],
    ['sale', 9_002n, 'tok_silent', 'silent'],
    ['refund', 9_024n, 'tok_cut_after-on-refund', 'cut_after'],
    ['refund', 24n, 'tok_visa', 'plain'],
    // What makes no sense for an operation is not played.
    ['capture', 9_020n, 'tok_visa', 'plain'],
    ['void', null, 'tok_decline_card_declined-on-void', 'plain'],
  ];
  it.each(choices)('of %s %s by %s is %s', (type, amount, token, name) => expect(of(type, amount, token)).toBe(name));

  it('has a name and an ending of its own', () => {
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
    expect(new Set(SCENARIOS.map(({ ending }) => ending)).size).toBe(SCENARIOS.length);
  });

  it('is chosen by every token that names it, and by no other text', () => {
    for (const { name, on } of SCENARIOS) expect(of(on[0] as Asked, 1_999n, `tok_${name}`)).toBe(name);
    for (const token of PLAIN_TOKENS) expect(isToken(token)).toBe(true);
    for (const text of ['tok_nobody', 'tok_silent-on-nothing', '4242424242424242', '', 'tok_', 'tok_silent-on-'])
      expect(isToken(text)).toBe(false);
  });

  it('meets its share of the keys in a campaign, and the same keys every time', () => {
    const chaos = { share: 0.3, seed: 'a' };
    const names = (seed: string) =>
      Array.from(
        { length: 2_000 },
        (_, at) =>
          scenarioOf({ type: 'sale', amount: 1_999n, idempotencyKey: `k${at}` }, 'tok_visa', { ...chaos, seed }).name,
      );
    const played = names('a').filter((name) => name !== 'plain');
    expect(played.length).toBeGreaterThan(500);
    expect(played.length).toBeLessThan(700);
    expect(new Set(played).size).toBe(SCENARIOS.filter(({ inChaos }) => inChaos).length);
    expect(names('a')).toEqual(names('a'));
    expect(names('b')).not.toEqual(names('a'));
  });
});
