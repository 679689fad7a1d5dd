import { newId, type HoldPosted, type HoldState, type MessageData } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { keyed } from '../database/command-key.js';
import { readBooks } from '../database/dry-run.repository.js';
import { available, balance, counters, type Account } from '../domain/account.js';
import { Book, type Owner } from '../domain/book.js';
import { decide, refuseCommand, type LedgerCommand } from '../domain/decide.js';

/** What moves money at once can be tried, and what sets it aside or ends that; by the scope that each needs. */
export const TRIED = {
  'transfers:write': [
    'payflow.group.post.v1',
    'payflow.conversion.post.v1',
    'payflow.transfer.reverse.v1',
    'payflow.transfer.correct.v1',
  ],
  'holds:write': ['payflow.hold.place.v1', 'payflow.hold.post.v1', 'payflow.hold.void.v1'],
} as const;

export type TriedType = (typeof TRIED)[keyof typeof TRIED][number];

/** A command as it would be asked for. */
export type Tried = { [T in TriedType]: { readonly type: T; readonly data: MessageData[T] } }[TriedType];

/** What a command would come to, were it asked for now. Nothing is locked, written or used. */
export async function tryCommand(db: Database, owner: Owner, tried: Tried): Promise<object> {
  const command = commandOf(owner, tried);
  const { loaded, isKnown, now, clock } = await db.transaction((tx) => readBooks(tx, keyed(command)));
  const book = new Book(loaded, now.toISOString(), clock.toISOString());
  const verdict = isKnown ? refuseCommand(command, 'id_reused', book.now) : decide(book, command);
  switch (verdict.type) {
    case 'payflow.group.posted.v1':
      return {
        ...ofTransfers('posted', book),
        transfers: verdict.data.legs.map((leg) => ({ effective_at: verdict.data.effective_at, ...leg })),
        accounts: standing(book, owner, verdict.data.accounts),
      };
    case 'payflow.group.rejected.v1':
      return { ...ofTransfers('failed', book), failure: { code: verdict.data.reason, leg: verdict.data.leg } };
    case 'payflow.hold.placed.v1':
      return ofHold('held', verdict.data, book, owner);
    case 'payflow.hold.posted.v1':
      return { ...ofHold('posted', verdict.data, book, owner), transfers: [postingOf(verdict.data)] };
    case 'payflow.hold.voided.v1':
      return ofHold('voided', verdict.data, book, owner);
    case 'payflow.hold.rejected.v1':
      return { ...holdAnswer('failed', book), failure: { code: verdict.data.reason, leg: null } };
    default:
      throw new TypeError(`what can be tried is never answered with ${verdict.type}`);
  }
}

function ofTransfers(outcome: 'posted' | 'failed', { now }: Book) {
  return { object: 'transfer_dry_run', outcome, failure: null, transfers: [], accounts: [], as_of: now };
}

function holdAnswer(outcome: 'held' | 'posted' | 'voided' | 'failed', { now }: Book) {
  return { object: 'hold_dry_run', outcome, failure: null, hold: null, transfers: [], accounts: [], as_of: now };
}

function ofHold(outcome: 'held' | 'posted' | 'voided', state: HoldState, book: Book, owner: Owner) {
  const { id, status, debit_account, credit_account, amount, posted, asset, expires_at, type, version } = state;
  const accounts = { debit_account: debit_account.id, credit_account: credit_account.id };
  return {
    ...holdAnswer(outcome, book),
    hold: { id, status, ...accounts, amount, posted, asset, expires_at, type: type?.name ?? null, version },
    accounts: standing(book, owner, [debit_account, credit_account]),
  };
}

function postingOf({ transfer, debit_account, credit_account, transferred, asset, recorded_at }: HoldPosted) {
  return {
    effective_at: recorded_at,
    id: transfer,
    debit_account: debit_account.id,
    credit_account: credit_account.id,
    amount: transferred,
    asset,
  };
}

/** The accounts as the command would leave them. */
function standing(book: Book, owner: Owner, accounts: readonly { readonly id: string }[]): object[] {
  return accounts.map(({ id }) => {
    const account = book.account(owner, id) as Account;
    return {
      ...counters(account),
      asset: account.asset,
      balance: balance(account).toString(),
      available: available(account).toString(),
    };
  });
}

/** As it would come over the log; of what is not sent, nobody ever sees the message's own ids. */
function commandOf({ tenant, livemode }: Owner, { type, data }: Tried): LedgerCommand {
  const id = newId('event');
  return {
    id,
    type,
    data,
    tenant,
    livemode,
    subject: data.id,
    key: '',
    aggregateVersion: 0,
    causationId: id,
    correlationId: id,
    actor: 'dry-run',
    time: new Date().toISOString(),
    traceparent: undefined,
    tracestate: undefined,
  } as LedgerCommand;
}
