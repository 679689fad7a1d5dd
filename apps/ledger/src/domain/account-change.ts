import type { AccountState, Overdraft } from '@payflow/contracts';
import { available, isEmpty, type Account } from './account.js';
import { refuse, type Refused } from './transfer.js';

/** What shall be different; what is null stays. */
export interface AccountChange {
  readonly state: AccountState | null;
  readonly overdraft: Overdraft | null;
  readonly overdraftLimit: bigint | null;
  readonly ifVersion: number | null;
}

/** Decides a change of an account's state or overdraft. A closed account changes no more; metadata does not come by here. */
export function changeAccount(
  change: AccountChange,
  account: Account | undefined,
): { readonly kind: 'changed'; readonly account: Account } | Refused {
  if (!account) return refuse('account_not_found');
  if (change.ifVersion !== null && change.ifVersion !== account.version) return refuse('version_differs');
  if (account.state === 'closed') return refuse('account_closed');
  if (change.state === 'closed' && !isEmpty(account)) return refuse('account_not_empty');
  const overdraft = change.overdraft ?? account.overdraft;
  const overdraftLimit = overdraft === 'limited' ? (change.overdraftLimit ?? account.overdraftLimit) : 0n;
  const changed = { ...account, state: change.state ?? account.state, overdraft, overdraftLimit };
  // A smaller overdraft than what is drawn or held would leave the account below its floor.
  if (overdraft !== 'unbounded' && available(changed) + overdraftLimit < 0n) return refuse('insufficient_funds');
  // From here the account is changed.
  return { kind: 'changed', account: { ...changed, version: account.version + 1 } };
}
