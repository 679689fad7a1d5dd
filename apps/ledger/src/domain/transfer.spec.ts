import { AMOUNT_MAX } from '@payflow/money';
import { describe, expect, it } from 'vitest';
import { openedAccount, type Account } from './account.js';
import { postTransfer, type Transfer } from './transfer.js';

const NOW = '2026-11-21T12:00:00.000Z';

const terms = { asset: 'USD', kind: 'liability', overdraft: 'none', overdraftLimit: 0n } as const;
const debit: Account = { ...openedAccount({ ...terms, id: 'acct_debit' }), postedCredits: 100n };
const credit: Account = openedAccount({ ...terms, id: 'acct_credit' });
const transfer: Transfer = {
  debitAccount: debit.id,
  creditAccount: credit.id,
  amount: 60n,
  asset: 'USD',
  validUntil: null,
};

describe('postTransfer', () => {
  it('moves the amount from one account to the other', () => {
    expect(postTransfer(transfer, { debit, credit }, NOW)).toEqual({
      kind: 'posted',
      debit: { ...debit, postedDebits: 60n, version: 2 },
      credit: { ...credit, postedCredits: 60n, version: 2 },
    });
  });

  // In precedence order: each case also breaks every rule below it that it can.
  it.each<[string, Partial<Transfer>, Partial<Account> | null, Partial<Account> | null]>([
    ['amount_not_positive', { amount: 0n, creditAccount: debit.id }, null, null],
    ['amount_not_positive', { amount: -1n }, {}, {}],
    ['accounts_identical', { creditAccount: debit.id }, null, null],
    ['account_not_found', { asset: 'EUR' }, null, {}],
    ['account_not_found', { asset: 'EUR' }, {}, null],
    ['assets_differ', { asset: 'EUR' }, { state: 'closed' }, {}],
    ['assets_differ', {}, {}, { asset: 'EUR' }],
    ['account_closed', {}, { state: 'frozen' }, { state: 'closed' }],
    ['account_closed', { validUntil: '2026-11-21T11:59:59.999Z' }, { state: 'closed' }, {}],
    ['account_frozen', { validUntil: '2026-11-21T11:59:59.999Z' }, { state: 'debits_frozen' }, {}],
    ['account_frozen', {}, { state: 'frozen' }, {}],
    ['account_frozen', { amount: 101n }, {}, { state: 'frozen' }],
    ['command_expired', { validUntil: '2026-11-21T11:59:59.999Z', amount: 101n }, {}, {}],
    ['insufficient_funds', { amount: 101n }, {}, { postedCredits: AMOUNT_MAX }],
    ['insufficient_funds', { amount: 60n }, { pendingDebits: 41n }, {}],
    ['insufficient_funds', { amount: 111n }, { overdraft: 'limited', overdraftLimit: 10n }, {}],
    ['insufficient_funds', { amount: 60n }, {}, { kind: 'asset', postedDebits: 59n }],
    ['insufficient_funds', { amount: 60n }, {}, { kind: 'expense', postedDebits: 70n, pendingCredits: 11n }],
    ['balance_overflow', { amount: 60n }, {}, { postedCredits: AMOUNT_MAX }],
    ['balance_overflow', { amount: 60n }, {}, { pendingCredits: AMOUNT_MAX - 59n }],
    ['balance_overflow', { amount: AMOUNT_MAX }, { overdraft: 'unbounded', postedDebits: 1n }, {}],
  ])('refuses with %s', (reason, change, debitChange, creditChange) => {
    const decision = postTransfer(
      { ...transfer, ...change },
      {
        debit: debitChange === null ? undefined : { ...debit, ...debitChange },
        credit: creditChange === null ? undefined : { ...credit, ...creditChange },
      },
      NOW,
    );
    expect(decision).toEqual({ kind: 'refused', reason });
  });

  it.each<[string, bigint, Partial<Account>, Partial<Account>]>([
    ['spends the last unit', 100n, {}, {}],
    ['draws an overdraft to its limit', 110n, { overdraft: 'limited', overdraftLimit: 10n }, {}],
    ['lets an unbounded account go below zero', 101n, { overdraft: 'unbounded' }, {}],
    ['debits an asset without asking what it has', 1_000n, { kind: 'asset' }, {}],
    ['credits an asset down to zero', 60n, {}, { kind: 'asset', postedDebits: 60n }],
    ['credits an account whose debits are frozen', 1n, {}, { state: 'debits_frozen' }],
  ])('%s', (_, amount, debitChange, creditChange) => {
    const sides = { debit: { ...debit, ...debitChange }, credit: { ...credit, ...creditChange } };
    expect(postTransfer({ ...transfer, amount }, sides, NOW).kind).toBe('posted');
  });

  it('posts a command in its last millisecond', () => {
    expect(postTransfer({ ...transfer, validUntil: NOW }, { debit, credit }, NOW).kind).toBe('posted');
  });
});
