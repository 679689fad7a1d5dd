import { describe, expect, it } from 'vitest';
import { openedAccount, type Account } from './account.js';
import { changeAccount, type AccountChange } from './account-change.js';

const account: Account = {
  ...openedAccount({ id: 'acct_1', asset: 'USD', kind: 'liability', overdraft: 'limited', overdraftLimit: 50n }),
  postedDebits: 30n,
  pendingDebits: 10n,
  version: 7,
};
const nothing: AccountChange = { state: null, overdraft: null, overdraftLimit: null, ifVersion: null };

describe('a change of an account', () => {
  it.each<[string, Partial<AccountChange>, Partial<Account>]>([
    ['freezes it', { state: 'frozen' }, { state: 'frozen' }],
    ['lowers its limit to what is drawn and held', { overdraftLimit: 40n }, { overdraftLimit: 40n }],
    ['takes its bounds away', { overdraft: 'unbounded' }, { overdraft: 'unbounded', overdraftLimit: 0n }],
    ['changes nothing but its version', {}, {}],
  ])('%s', (_, change, expected) => {
    expect(changeAccount({ ...nothing, ifVersion: 7, ...change }, account)).toEqual({
      kind: 'changed',
      account: { ...account, ...expected, version: 8 },
    });
  });

  // In precedence order.
  it.each<[string, Partial<AccountChange>, Partial<Account> | null]>([
    ['account_not_found', {}, null],
    ['version_differs', { ifVersion: 6 }, { state: 'closed' }],
    ['account_closed', { state: 'open' }, { state: 'closed' }],
    ['account_not_empty', { state: 'closed', overdraft: 'none' }, {}],
    ['account_not_empty', { state: 'closed' }, { postedDebits: 0n }],
    ['insufficient_funds', { overdraft: 'none' }, {}],
    ['insufficient_funds', { overdraftLimit: 39n }, {}],
  ])('is refused with %s', (reason, change, accountChange) => {
    const of = accountChange === null ? undefined : { ...account, ...accountChange };
    expect(changeAccount({ ...nothing, ...change }, of)).toEqual({ kind: 'refused', reason });
  });

  it('closes what is empty', () => {
    const empty = { ...account, postedCredits: 30n, pendingDebits: 0n };
    expect(changeAccount({ ...nothing, state: 'closed' }, empty)).toMatchObject({ account: { state: 'closed' } });
  });
});
