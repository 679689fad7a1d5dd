import type { AccountOpen, AccountUpdate, MessageData, Refusal } from '@payflow/contracts';
import { isAssetCode, parseAmount } from '@payflow/money';
import { openedAccount, snapshot } from '../account.js';
import { changeAccount } from '../account-change.js';
import type { AccountDetails, Asker, Book } from '../book.js';

type Opened = { type: 'payflow.account.opened.v1'; data: MessageData['payflow.account.opened.v1'] };
type OpeningRefused = { type: 'payflow.account.rejected.v1'; data: MessageData['payflow.account.rejected.v1'] };
type Updated = { type: 'payflow.account.updated.v1'; data: MessageData['payflow.account.updated.v1'] };
type UpdateRefused = {
  type: 'payflow.account.update_rejected.v1';
  data: MessageData['payflow.account.update_rejected.v1'];
};

export function acceptOpening(book: Book, owner: Asker, data: AccountOpen): Opened | OpeningRefused {
  const { id, path, asset, kind, overdraft, metadata, created_at } = data;
  if (book.account(owner, id) || (path !== null && book.isPathTaken(owner, path)))
    return refuseOpening(id, 'account_exists', book.now);
  if (!isAssetCode(asset) && !book.unit(owner, asset)) return refuseOpening(id, 'asset_unknown', book.now);
  const overdraftLimit = overdraft === 'limited' ? (parseAmount(data.overdraft_limit) ?? 0n) : 0n;
  const account = openedAccount({ id, asset, kind, overdraft, overdraftLimit });
  book.open(owner, account, { path, metadata, createdAt: created_at });
  book.tell(owner, { of: 'account', id, version: account.version, metadata });
  return { type: 'payflow.account.opened.v1', data: { ...snapshot(account), path, metadata, created_at } };
}

export function refuseOpening(id: string, reason: Refusal, now: string): OpeningRefused {
  return { type: 'payflow.account.rejected.v1', data: { id, reason, recorded_at: now } };
}

export function acceptUpdate(book: Book, owner: Asker, data: AccountUpdate): Updated | UpdateRefused {
  const { id, state, overdraft, metadata } = data;
  const overdraftLimit = data.overdraft_limit === null ? null : (parseAmount(data.overdraft_limit) ?? 0n);
  const decision = changeAccount(
    { state, overdraft, overdraftLimit, ifVersion: data.if_version },
    book.account(owner, id),
  );
  if (decision.kind === 'refused') return refuseUpdate(id, decision.reason, book.now);
  book.change(owner, decision.account);
  const before = book.details(owner, id) as AccountDetails;
  const details = { ...before, metadata: metadata ?? before.metadata };
  book.retell(owner, id, details);
  if (metadata) book.tell(owner, { of: 'account', id, version: decision.account.version, metadata });
  return {
    type: 'payflow.account.updated.v1',
    data: {
      ...snapshot(decision.account),
      path: details.path,
      metadata: details.metadata,
      created_at: details.createdAt,
    },
  };
}

export function refuseUpdate(id: string, reason: Refusal, now: string): UpdateRefused {
  return { type: 'payflow.account.update_rejected.v1', data: { id, reason, recorded_at: now } };
}
