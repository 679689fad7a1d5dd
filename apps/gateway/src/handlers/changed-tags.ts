import { TAGS } from '../cache/catalogue.js';
import type { OwnedCounters } from '../database/account-view.repository.js';
import type { Owner, ResourceKey } from '../database/keys.js';
import type { ChangeEvent, OpeningEvent } from './account-events.js';
import type { PaymentState } from './payment-states.js';
import type { TransferEvent } from './transfer-events.js';

/** What a batch of states of payments changes: the payments, and the accounts that each moved. */
export function tagsOfPayments(states: readonly PaymentState[]): string[] {
  const accounts = states.flatMap(({ tenant, livemode, data }) =>
    data.accounts.map(({ id }) => ({ tenant, livemode, id })),
  );
  const payments = states.map(({ tenant, livemode, data: { id } }) => TAGS.payment({ tenant, livemode, id }));
  return [...new Set([...payments, ...tagsOfAccounts(accounts)])];
}

/** What a batch changes of the accounts that it moved money of. */
export function tagsOfCounters(counters: readonly OwnedCounters[]): string[] {
  return tagsOfAccounts(counters.map(({ tenant, livemode, counters: { id } }) => ({ tenant, livemode, id })));
}

/** What a batch of the ledger's word changes: accounts, by their terms, their counters, or what their history shows. */
export function tagsOfLedger(
  {
    openings,
    changes,
    transfers,
  }: {
    readonly openings: readonly OpeningEvent[];
    readonly changes: readonly ChangeEvent[];
    readonly transfers: readonly TransferEvent[];
  },
  counters: readonly OwnedCounters[],
): string[] {
  const accounts = [
    ...[...openings, ...changes].map(({ tenant, livemode, data: { id } }) => ({ tenant, livemode, id })),
    ...counters.map(({ tenant, livemode, counters: { id } }) => ({ tenant, livemode, id })),
    ...transfers.flatMap(accountsOfTransfer),
  ];
  return [...new Set(tagsOfAccounts(accounts))];
}

/** Whose views a batch changes, one way or another. */
export function tagsOfOwners(batch: readonly Owner[]): string[] {
  return [...new Set(batch.map(TAGS.views))];
}

function accountsOfTransfer(event: TransferEvent): ResourceKey[] {
  if (event.type !== 'payflow.transfer.updated.v1') return [];
  const { tenant, livemode, data } = event;
  return [data.debit_account, data.credit_account].map((id) => ({ tenant, livemode, id }));
}

function tagsOfAccounts(accounts: readonly ResourceKey[]): string[] {
  return accounts.flatMap((key) => [TAGS.account(key), TAGS.books(key satisfies Owner)]);
}
