import { describe, expect, it } from 'vitest';
import { openedAccount, type Account } from './account.js';
import { reverseTransfer, standsOtherwise, type Original, type ReversalTerms } from './reversal.js';

const NOW = '2026-11-21T12:00:00.000Z';
const terms = { asset: 'USD', kind: 'liability', overdraft: 'none', overdraftLimit: 0n } as const;
const payer: Account = openedAccount({ ...terms, id: 'payer' });
const payee: Account = { ...openedAccount({ ...terms, id: 'payee' }), postedCredits: 100n };
const original: Original = {
  debitAccount: 'payer',
  creditAccount: 'payee',
  amount: 100n,
  asset: 'USD',
  reversed: 0n,
  correctedBy: null,
  reverses: null,
  effectiveAt: NOW,
};
const all: ReversalTerms = { debitAccount: 'payer', creditAccount: 'payee', amount: null, hasChanged: false };
/** The reversal debits the one whom the original credited. */
const sides = { debit: payee, credit: payer };

describe('a reversal', () => {
  it.each<[string, bigint | null, bigint, { amount: bigint; reversed: bigint }]>([
    ['all of it', null, 0n, { amount: 100n, reversed: 100n }],
    ['a part', 30n, 0n, { amount: 30n, reversed: 30n }],
    ['all that is left', null, 30n, { amount: 70n, reversed: 100n }],
    ['the last unit', 1n, 99n, { amount: 1n, reversed: 100n }],
  ])('moves %s back', (_, amount, reversed, expected) => {
    expect(reverseTransfer({ ...all, amount }, { ...original, reversed }, sides, NOW)).toMatchObject(expected);
  });

  // In precedence order.
  it.each<[string, Partial<ReversalTerms>, Partial<Original> | null, Partial<Account>]>([
    ['transfer_not_found', { amount: 0n, hasChanged: true }, null, {}],
    ['transfer_not_found', { creditAccount: 'other', hasChanged: true }, {}, {}],
    ['version_differs', { amount: 0n, hasChanged: true }, { reversed: 100n }, {}],
    ['version_differs', { hasChanged: true }, { reverses: 'another' }, {}],
    ['transfer_is_reversal', { amount: 0n }, { reverses: 'another', reversed: 100n }, {}],
    ['amount_not_positive', { amount: 0n }, { reversed: 100n }, {}],
    ['reversal_exceeds_original', { amount: 101n }, {}, { state: 'closed' }],
    ['reversal_exceeds_original', { amount: 71n }, { reversed: 30n }, {}],
    ['reversal_exceeds_original', {}, { reversed: 100n }, {}],
    ['account_frozen', {}, {}, { state: 'debits_frozen', postedCredits: 0n }],
    ['insufficient_funds', {}, {}, { postedCredits: 99n }],
  ])('is refused with %s', (reason, change, originalChange, payeeChange) => {
    const of = originalChange === null ? undefined : { ...original, ...originalChange };
    const decision = reverseTransfer({ ...all, ...change }, of, { ...sides, debit: { ...payee, ...payeeChange } }, NOW);
    expect(decision).toEqual({ kind: 'refused', reason });
  });
});

it.each([
  ['as it was seen', { version: 2, reversed: 30n }, { reversed: 30n }, 2, false],
  ['with more moved back', { version: 2, reversed: 30n }, { reversed: 31n }, 2, true],
  ['with other metadata', { version: 2, reversed: 30n }, { reversed: 30n }, 3, true],
  ['unknown', { version: 2, reversed: 30n }, undefined, undefined, true],
  ['anyhow, where nobody says how', undefined, { reversed: 31n }, 3, false],
] as const)('a transfer that stands %s', (_, seen, change, version, expected) => {
  expect(standsOtherwise(seen, change && { ...original, ...change }, version)).toBe(expected);
});
