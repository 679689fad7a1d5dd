import { AMOUNT_MAX } from '@payflow/money';
import { describe, expect, it } from 'vitest';
import { openedAccount, type Account } from './account.js';
import { postTransfer, type Transfer } from './transfer.js';

const NOW = '2026-11-21T12:00:00.000Z';

const debit: Account = { ...openedAccount('acct_debit', 'USD', 'none'), postedCredits: 100n };
const credit: Account = openedAccount('acct_credit', 'USD', 'none');
const transfer: Transfer = {
  debitAccount: debit.id,
  creditAccount: credit.id,
  amount: 60n,
  asset: 'USD',
  validUntil: null,
};

describe('postTransfer', () => {
  it('moves the amount from one account to the other', () => {
    expect(postTransfer(transfer, debit, credit, NOW)).toEqual({
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
    ['assets_differ', { asset: 'EUR', validUntil: '2026-11-21T11:59:59.999Z' }, {}, {}],
    ['assets_differ', {}, {}, { asset: 'EUR' }],
    ['command_expired', { validUntil: '2026-11-21T11:59:59.999Z', amount: 101n }, {}, {}],
    ['insufficient_funds', { amount: 101n }, {}, { postedCredits: AMOUNT_MAX }],
    ['insufficient_funds', { amount: 60n }, { pendingDebits: 41n }, {}],
    ['balance_overflow', { amount: 60n }, {}, { postedCredits: AMOUNT_MAX }],
    ['balance_overflow', { amount: AMOUNT_MAX }, { overdraft: 'unbounded', postedDebits: 1n }, {}],
  ])('refuses with %s', (reason, change, debitChange, creditChange) => {
    const decision = postTransfer(
      { ...transfer, ...change },
      debitChange === null ? undefined : { ...debit, ...debitChange },
      creditChange === null ? undefined : { ...credit, ...creditChange },
      NOW,
    );
    expect(decision).toEqual({ kind: 'refused', reason });
  });

  it('spends the last unit, and lets an unbounded account go below zero', () => {
    expect(postTransfer({ ...transfer, amount: 100n }, debit, credit, NOW).kind).toBe('posted');
    expect(postTransfer({ ...transfer, amount: 101n }, { ...debit, overdraft: 'unbounded' }, credit, NOW).kind).toBe(
      'posted',
    );
  });

  it('posts a command in its last millisecond', () => {
    expect(postTransfer({ ...transfer, validUntil: NOW }, debit, credit, NOW).kind).toBe('posted');
  });
});
