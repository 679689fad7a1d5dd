import type { AccountOpened, AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { openedReply, rejectedReply, updatedReply, updateRefusedReply } from '../acceptance/replies.js';
import { applyAccounts, findAccounts, removeRejected } from '../database/account-view.repository.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { takePending, type PendingWrite } from '../database/reply.repository.js';
import type { AccountView } from '../domain/account.js';
import { traceIdOf, writeAnsweredBy, type Answered, type Replies } from './answered.js';

export type OpeningEvent = AnyMessage<'payflow.account.opened.v1' | 'payflow.account.rejected.v1'>;
export type ChangeEvent = AnyMessage<'payflow.account.updated.v1' | 'payflow.account.update_rejected.v1'>;

/** Opens accounts in the views, and takes those out again that the ledger refused to open. */
export async function applyOpenings(tx: Transaction, events: readonly OpeningEvent[]): Promise<Replies> {
  if (events.length === 0) return [];
  const openings = events.filter((event) => event.type === 'payflow.account.opened.v1');
  const rejections = events.filter((event) => event.type === 'payflow.account.rejected.v1');
  const opened = await applyAccounts(tx, openings.map(ownedAccount));
  const pending = await takePending(tx, 'account', events.map(resourceOf));
  await removeRejected(
    tx,
    rejections.map(resourceOf).filter((key) => pending.has(keyOf(key))),
  );
  return [...pending].flatMap(([key, write]): Replies => {
    const view = opened.get(key);
    const rejection = rejections.find((event) => keyOf(resourceOf(event)) === key);
    if (view) return [[write, openedReply(view)]];
    return rejection
      ? [[write, rejectedReply(rejection.data.reason, write.requestId, traceIdOf(rejection) ?? undefined)]]
      : [];
  });
}

/** Brings changes of accounts into the views, and answers those who asked for one. */
export async function applyChanges(
  tx: Transaction,
  events: readonly ChangeEvent[],
  answered: Answered,
): Promise<Replies> {
  if (events.length === 0) return [];
  const updates = events.filter((event) => event.type === 'payflow.account.updated.v1');
  const rejections = events.filter((event) => event.type === 'payflow.account.update_rejected.v1');
  const updated = await applyAccounts(tx, updates.map(ownedAccount));
  const standing = await findAccounts(tx, rejections.map(resourceOf));
  return events.flatMap((event): Replies => {
    const write = writeAnsweredBy(event, answered);
    const view = (event.type === 'payflow.account.updated.v1' ? updated : standing).get(keyOf(resourceOf(event)));
    return write && view ? [[write, changeReply(event, view, write)]] : [];
  });
}

function changeReply(event: ChangeEvent, view: AccountView, write: PendingWrite) {
  return event.type === 'payflow.account.updated.v1'
    ? updatedReply(accountAt(view, event.data))
    : updateRefusedReply(view, event.data.reason, write.requestId, traceIdOf(event) ?? undefined);
}

/** The account as the event left it, though the view may be further on. */
function accountAt(view: AccountView, opened: AccountOpened): AccountView {
  return {
    ...view,
    status: opened.state,
    overdraft: opened.overdraft,
    overdraftLimit: BigInt(opened.overdraft_limit),
    postedDebits: BigInt(opened.posted_debits),
    postedCredits: BigInt(opened.posted_credits),
    pendingDebits: BigInt(opened.pending_debits),
    pendingCredits: BigInt(opened.pending_credits),
    metadata: opened.metadata,
    version: opened.version,
  };
}

function ownedAccount({ tenant, livemode, data }: { tenant: string; livemode: boolean; data: AccountOpened }) {
  return { tenant, livemode, account: data };
}

function resourceOf({ tenant, livemode, data }: OpeningEvent | ChangeEvent): ResourceKey {
  return { tenant, livemode, id: data.id };
}
