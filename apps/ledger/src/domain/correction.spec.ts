import { AMOUNT_MAX } from '@payflow/money';
import { describe, expect, it } from 'vitest';
import { openedAccount, type Account } from './account.js';
import { correctTransfer, type CorrectionTerms } from './correction.js';
import type { Original } from './reversal.js';

const THEN = '2026-10-21T12:00:00.000Z';
const NOW = '2026-11-21T12:00:00.000Z';
const terms = { asset: 'USD', kind: 'liability', overdraft: 'none', overdraftLimit: 0n } as const;
const account = (id: string, change: Partial<Account> = {}): Account => ({
  ...openedAccount({ ...terms, id }),
  ...change,
});
const payer = account('payer', { postedCredits: 100n, postedDebits: 100n });
const payee = account('payee', { postedCredits: 100n });
const other = account('other');
const original: Original = {
  debitAccount: 'payer',
  creditAccount: 'payee',
  amount: 100n,
  asset: 'USD',
  reversed: 0n,
  correctedBy: null,
  reverses: null,
  effectiveAt: THEN,
};
const replacement = { debitAccount: 'payer', creditAccount: 'payee', amount: 90n, asset: 'USD' };
const to90: CorrectionTerms = {
  debitAccount: 'payer',
  creditAccount: 'payee',
  replacement,
  effectiveAt: null,
  latestMonth: undefined,
  hasChanged: false,
};

function correct(change: Partial<CorrectionTerms>, of: Partial<Original> | null, accounts: Partial<Account>[] = []) {
  const [ofPayer = {}, ofPayee = {}, ofOther = {}] = accounts;
  const all = [
    { ...payer, ...ofPayer },
    { ...payee, ...ofPayee },
    { ...other, ...ofOther },
  ];
  const books = { account: (id: string) => all.find((one) => one.id === id) };
  return correctTransfer({ ...to90, ...change }, of ? { ...original, ...of } : undefined, books, NOW);
}

describe('a correction', () => {
  it('moves the original back and books the other in its place, when the original counted', () => {
    const back = { debitAccount: 'payee', creditAccount: 'payer', amount: 100n, asset: 'USD' };
    const decision = correct({}, {});
    expect(decision).toMatchObject({
      kind: 'posted',
      reversal: { ...back, effectiveAt: THEN },
      replacement: { ...replacement, effectiveAt: THEN },
    });
    const accounts = decision.kind === 'posted' ? [...decision.accounts.values()] : [];
    expect(accounts).toMatchObject([
      { id: 'payee', postedDebits: 100n, postedCredits: 190n, version: 3 },
      { id: 'payer', postedDebits: 190n, postedCredits: 200n, version: 3 },
    ]);
  });

  it('moves back what is left of the original, and books the other whole and when it is told to', () => {
    expect(correct({ effectiveAt: NOW }, { reversed: 30n }, [{ postedDebits: 70n }])).toMatchObject({
      reversal: { amount: 70n, effectiveAt: THEN },
      replacement: { amount: 90n, effectiveAt: NOW },
    });
  });

  it('books what is left of the original where it names no amount, and takes nothing again that was given back', () => {
    const toOther = { ...replacement, amount: null, creditAccount: 'other' };
    expect(correct({ replacement: toOther }, { reversed: 30n }, [{ postedDebits: 70n }])).toMatchObject({
      reversal: { amount: 70n },
      replacement: { amount: 70n, creditAccount: 'other' },
    });
  });

  it('takes of an account no more than it loses by both', () => {
    // The payee has 15 left, and is to give back 10.
    expect(correct({}, {}, [{}, { postedDebits: 85n }]).kind).toBe('posted');
    expect(correct({}, {}, [{}, { postedDebits: 90n }]).kind).toBe('posted');
    expect(correct({}, {}, [{}, { postedDebits: 91n }])).toMatchObject({ reason: 'insufficient_funds', leg: null });
  });

  const toOther = { ...replacement, creditAccount: 'other' };
  // In precedence order.
  it.each<[string, number | null, Partial<CorrectionTerms>, Partial<Original> | null, Partial<Account>[]]>([
    ['transfer_not_found', null, { hasChanged: true }, null, []],
    ['transfer_not_found', null, { creditAccount: 'other' }, { correctedBy: 'x' }, []],
    ['version_differs', null, { hasChanged: true }, { correctedBy: 'x', reversed: 100n }, []],
    ['version_differs', null, { hasChanged: true }, { reverses: 'another' }, []],
    ['transfer_is_reversal', null, {}, { reverses: 'another', correctedBy: 'x', reversed: 100n }, []],
    ['transfer_corrected', null, {}, { correctedBy: 'x', reversed: 100n }, []],
    ['reversal_exceeds_original', null, { effectiveAt: '2026-11-21T12:00:00.001Z' }, { reversed: 100n }, []],
    ['effective_in_future', null, { effectiveAt: '2026-11-21T12:00:00.001Z' }, {}, [{ state: 'closed' }]],
    ['account_closed', 0, { replacement: { ...replacement, amount: 0n } }, {}, [{ state: 'closed' }]],
    ['account_frozen', 0, {}, {}, [{}, { state: 'debits_frozen', postedDebits: 100n }]],
    ['balance_overflow', 0, {}, {}, [{ postedCredits: AMOUNT_MAX - 99n }]],
    ['amount_not_positive', 1, { replacement: { ...toOther, amount: 0n } }, {}, [{}, {}, { state: 'closed' }]],
    ['accounts_identical', 1, { replacement: { ...replacement, creditAccount: 'payer' } }, {}, []],
    ['account_not_found', 1, { replacement: { ...replacement, creditAccount: 'nobody' } }, {}, []],
    ['assets_differ', 1, { replacement: { ...toOther, asset: 'EUR' } }, {}, []],
    ['account_closed', 1, { replacement: toOther }, {}, [{}, {}, { state: 'closed' }]],
    ['account_frozen', 1, { replacement: toOther }, {}, [{}, {}, { state: 'frozen' }]],
    ['balance_overflow', 1, { replacement: toOther }, {}, [{}, {}, { postedCredits: AMOUNT_MAX - 89n }]],
    ['insufficient_funds', null, { replacement: { ...replacement, amount: 101n } }, {}, []],
  ])('is refused with %s, leg %s', (reason, leg, change, of, accounts) => {
    expect(correct(change, of, accounts)).toEqual({ kind: 'refused', reason, leg });
  });
});
