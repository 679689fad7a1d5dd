import { describe, expect, it } from 'vitest';
import { APPROVE, NOTHING, authorize, capture, voidRest, type Authorization, type Decision } from './authorization.js';
import { audit, booksOf, doubleCharges, net, standingOf } from './books.js';
import type { Operation } from './operation.js';

const { authorization, moved } = authorize(
  {
    id: 'auth_1',
    merchantReference: 'r',
    idempotencyKey: 'k',
    token: 'tok_visa',
    currency: 'USD',
    amount: 1_000n,
    isSale: true,
    expiresAt: 1,
  },
  APPROVE,
);
const sale: Operation = {
  id: 'op_1',
  type: 'sale',
  status: 'succeeded',
  declineCode: null,
  canRetryElsewhere: false,
  amount: 1_000n,
  currency: 'USD',
  authorization: 'auth_1',
  dispute: null,
  merchantReference: 'r',
  idempotencyKey: 'k',
  moved,
  at: 0,
  scenario: 'plain',
};

describe('the books', () => {
  it('sum what moved, by currency', () => {
    const refund = { ...sale, type: 'refund' as const, moved: { ...NOTHING, refunded: 300n } };
    const books = booksOf([sale, refund, { ...sale, currency: 'EUR' }]);
    expect(books.get('USD')).toMatchObject({ authorizations: 1, authorized: 1_000n, captured: 1_000n, refunded: 300n });
    expect(books.get('USD') && net(books.get('USD') as never)).toBe(700n);
    expect(books.get('EUR')).toMatchObject({ authorizations: 1, captured: 1_000n });
  });

  it('audit finds a sum that no operation explains', () => {
    const books = booksOf([sale]);
    expect(audit(books, [sale], [authorization])).toEqual([]);
    expect(audit(books, [], [authorization])).toContain(
      'the running books and the operations differ in USD captured: 1000 and 0',
    );
    expect(audit(books, [sale], [])).toContain(
      'the running books and the authorizations differ in USD captured: 1000 and 0',
    );
  });

  it('audit finds what passed a bound', () => {
    const broken: Authorization = {
      ...authorization,
      sums: { ...authorization.sums, captured: 1_151n, refunded: 1_152n },
    };
    expect(audit(new Map(), [], [broken])).toEqual(
      expect.arrayContaining(['auth_1 captured more than it may', 'auth_1 gave back more than it captured']),
    );
  });

  it('find whoever was charged twice', () => {
    const other = { ...authorization, id: 'auth_2' };
    expect(doubleCharges([authorization, other])).toEqual(['r']);
    expect(doubleCharges([authorization, { ...other, sums: { ...other.sums, refunded: 1_000n } }])).toEqual([]);
  });

  it('find what is set aside, and neither captured, given back nor over', () => {
    const [NOW, OVER] = [1_000, 2_000];
    const order = { ...authorization, isSale: false, expiresAt: OVER };
    const granted = authorize(order, APPROVE).authorization;
    const then = (decision: Decision): Authorization => {
      if ('refusal' in decision) throw new Error(decision.refusal);
      return decision.authorization;
    };
    const inPart = then(capture(granted, 300n, false, NOW));
    const standing = (...all: Authorization[]) => standingOf(all, NOW);
    expect(standing(granted, inPart, { ...granted, merchantReference: 's' })).toEqual([
      { merchantReference: 'r', currency: 'USD', amount: 1_700n },
      { merchantReference: 's', currency: 'USD', amount: 1_000n },
    ]);
    const last = then(capture(granted, 300n, true, NOW));
    const beyond = then(capture(granted, 1_100n, false, NOW));
    const waiting = authorize(order, { word: 'ask_customer' }).authorization;
    expect(standing(then(voidRest(granted)), then(voidRest(inPart)), last, beyond, waiting, authorization)).toEqual([]);
    expect(standingOf([granted], OVER)).toEqual([]);
  });
});
