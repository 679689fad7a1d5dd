import { newId, type GroupPost } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { keyed } from '../database/command-key.js';
import { readBooks } from '../database/dry-run.repository.js';
import { available, balance, counters, type Account } from '../domain/account.js';
import { Book, type Owner } from '../domain/book.js';
import { decide, refuseCommand, type LedgerCommand } from '../domain/decide.js';

/** What a group of transfers would come to, were it asked for now. Nothing is locked, written or used. */
export async function tryGroup(db: Database, owner: Owner, data: GroupPost): Promise<object> {
  const command = commandOf(owner, data);
  const { loaded, isKnown, now } = await db.transaction((tx) => readBooks(tx, owner, keyed(command)));
  const book = new Book(loaded, now.toISOString());
  const verdict = isKnown ? refuseCommand(command, 'id_reused', book.now) : decide(book, command);
  switch (verdict.type) {
    case 'payflow.group.posted.v1':
      return {
        ...answer('posted', book),
        transfers: verdict.data.legs,
        accounts: verdict.data.accounts.map(({ id }) => standing(book.account(owner, id) as Account)),
      };
    case 'payflow.group.rejected.v1':
      return {
        ...answer('failed', book),
        failure: { code: verdict.data.reason, leg: verdict.data.leg },
      };
    default:
      throw new TypeError(`a group is never answered with ${verdict.type}`);
  }
}

function answer(outcome: 'posted' | 'failed', { now }: Book) {
  return { object: 'transfer_dry_run', outcome, failure: null, transfers: [], accounts: [], as_of: now };
}

/** As the transfers would leave it. */
function standing(account: Account): object {
  return {
    ...counters(account),
    asset: account.asset,
    balance: balance(account).toString(),
    available: available(account).toString(),
  };
}

/** As it would come over the log; of what is not sent, nobody ever sees the message's own ids. */
function commandOf({ tenant, livemode }: Owner, data: GroupPost): LedgerCommand {
  const id = newId('event');
  const [first] = data.legs;
  return {
    id,
    type: 'payflow.group.post.v1',
    data,
    tenant,
    livemode,
    subject: data.id,
    key: first?.debit_account ?? '',
    aggregateVersion: 0,
    causationId: id,
    correlationId: id,
    actor: 'dry-run',
    time: new Date().toISOString(),
    traceparent: undefined,
    tracestate: undefined,
  };
}
