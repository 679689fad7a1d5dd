import { parseAmount } from '@payflow/money';
import { RunAgain, isUniqueViolation, type Transaction } from '@payflow/database';
import type { MessageData, PostedLeg } from '@payflow/contracts';
import { scoped, type BookChanges, type LoadedBooks } from '../domain/book.js';
import type { Original } from '../domain/reversal.js';
import { lockAccounts, needsDetails, saveAccounts, type LockedAccounts } from './account.repository.js';
import { isContested, loadAside, saveAside } from './aside.repository.js';
import { linked } from './chain.js';
import { idText, transferKey, type IdKey, type KeyedCommand } from './command-key.js';
import { recallAccounts, rememberLocked, saveRecalled, type RecalledAccounts } from './recall.repository.js';
import type { RememberedAccounts } from './remembered-accounts.js';
import { insertTransfers } from './transfer.repository.js';
import { findVerdicts, insertVerdicts, lostRace, type Answer, type KnownVerdict } from './verdict.repository.js';

/** What one batch works on. */
export interface OpenedBooks {
  readonly loaded: LoadedBooks;
  /** Verdicts given before on the batch's commands, and what is known of the transfers they name, by `idText`. */
  readonly known: ReadonlyMap<string, KnownVerdict>;
  /** Its accounts, under their locks or as they are remembered. */
  readonly held: LockedAccounts | RecalledAccounts;
}

/**
 * Loads all that the commands touch. The statements go out together and run in this order: ids without locks, then accounts
 * in id order, then what their locks protect. Where accounts are decided from memory, none is locked yet.
 */
export async function openBooks(
  tx: Transaction,
  commands: readonly KeyedCommand[],
  memory: RememberedAccounts,
): Promise<OpenedBooks> {
  const { sharing } = memory;
  const isSettling = sharing?.takeSettling() ?? false;
  const isServed = !isSettling && !commands.some(needsDetails) && memory.serves(commands);
  const turn = isSettling ? await sharing?.settle(tx) : undefined;
  const [known, found, { reversed, ...aside }] = await Promise.all([
    memory.takesForNew(commands) ? NOTHING_KNOWN : findVerdicts(tx, [...commands, ...commands.flatMap(transfersNamed)]),
    isServed ? recallAccounts(tx, commands, memory) : lockAccounts(tx, commands, { isTold: sharing !== undefined }),
    loadAside(tx, commands),
  ]);
  const held = turn ? { ...found, turn } : found;
  const originals = new Map<string, Original>();
  const usedTransferIds = new Set<string>();
  for (const each of commands) {
    for (const { id, role } of namesOf(each)) {
      const verdict = known.get(idText(transferKey(each, id)));
      if (!verdict) continue;
      const key = scoped(each.command, id);
      const { effectiveAt = '', reverses = null } = aside.booked.get(key) ?? {};
      const since = { ...NOTHING_SINCE, ...reversed.get(key), effectiveAt, reverses };
      const original = role === 'original' ? originalOf(verdict, since) : undefined;
      if (original) originals.set(key, original);
      if (role === 'made') usedTransferIds.add(key);
    }
  }
  const { accounts, details } = held;
  const loaded = { ...aside, accounts, details, originals, usedTransferIds };
  return { loaded, known, held };
}

/** What is to be saved of a decided batch. */
export interface DecidedBooks {
  readonly changes: BookChanges;
  readonly answers: readonly Answer[];
  /** Ids of commands that were answered before under another id: nothing of theirs is written but that they came. */
  readonly unmarked: readonly string[];
}

/**
 * Saves a decided batch whole, and does not wait for it: each statement goes out as soon as its values are there, and the
 * server works on one while the next is made. From the accounts' locks to COMMIT other batches wait for this one. An id or
 * path that another partition has used in the meantime makes the batch run again. Resolves with those of the unmarked that had
 * come before.
 */
export function saveBooks(
  tx: Transaction,
  { changes, answers, unmarked }: DecidedBooks,
  held: OpenedBooks['held'],
  memory: RememberedAccounts,
): Promise<readonly string[]> {
  const { keys, now, head } = held;
  const links = linked(head, changes.transfers, keys, now);
  const saved = { changed: changes.changed, details: changes.details, head: links.at(-1) ?? head };
  if ('basis' in held) saveRecalled(tx, saved, held, memory);
  else rememberLocked(tx, saved, held, memory);
  const accounts = 'basis' in held || saveAccounts(tx, changes, keys, now);
  const transfers = insertTransfers(tx, links, held, { isChainLocked: !('basis' in held) });
  const verdicts = insertVerdicts(tx, answers, unmarked);
  const written = Promise.all([
    accounts,
    transfers,
    verdicts,
    // Behind the verdicts, which say that an id is taken: a hold of another partition under it would be met as one that has ended.
    saveAside(tx, changes, keys, now),
  ]).then(
    ([accountsSaved, , , asideSaved]) => {
      if (!accountsSaved || !asideSaved)
        throw new RunAgain('another partition met the same path, unit, month or type first');
    },
    (error: unknown) => {
      if (isUniqueViolation(error)) memory.doubtIds();
      throw lostRace(error);
    },
  );
  // Under its locks, or held against what was remembered, it can only fail by itself: then COMMIT waits for no answer.
  if (changes.details.size > 0 || isContested(changes)) tx.check(written);
  else tx.expect(written);
  return verdicts;
}

const NOTHING_KNOWN: ReadonlyMap<string, KnownVerdict> = new Map();

type Since = Pick<Original, 'reversed' | 'correctedBy' | 'effectiveAt' | 'reverses'>;

const NOTHING_SINCE = { reversed: 0n, correctedBy: null };

/** The transfers that a group makes, and the one it moves back: a command that makes one alone is known by its own key. */
function namesOf({ command }: KeyedCommand): { readonly id: string; readonly role: 'made' | 'original' }[] {
  switch (command.type) {
    case 'payflow.group.post.v1':
      return command.data.legs.map(({ id }) => ({ id, role: 'made' }));
    case 'payflow.conversion.post.v1':
      return command.data.transfers.map((id) => ({ id, role: 'made' }));
    case 'payflow.transfer.reverse.v1':
      return [
        { id: command.data.transfer, role: 'made' },
        { id: command.data.original, role: 'original' },
      ];
    case 'payflow.transfer.correct.v1':
      return [
        { id: command.data.reversal, role: 'made' },
        { id: command.data.replacement.id, role: 'made' },
        { id: command.data.original, role: 'original' },
      ];
    default:
      return [];
  }
}

function transfersNamed(each: KeyedCommand): IdKey[] {
  return namesOf(each).map(({ id }) => transferKey(each, id));
}

/** What a verdict says of the transfer it posted, or undefined where it posted none. */
function originalOf({ type, json }: KnownVerdict, since: Since): Original | undefined {
  switch (type) {
    case 'payflow.transfer.posted.v1': {
      const data = JSON.parse(json) as MessageData['payflow.transfer.posted.v1'];
      return moved(data.debit_account.id, data.credit_account.id, data.amount, data.asset, since);
    }
    case 'payflow.hold.posted.v1': {
      const data = JSON.parse(json) as MessageData['payflow.hold.posted.v1'];
      return moved(data.debit_account.id, data.credit_account.id, data.transferred, data.asset, since);
    }
    case 'payflow.group.posted.v1': {
      const leg = JSON.parse(json) as PostedLeg;
      return moved(leg.debit_account, leg.credit_account, leg.amount, leg.asset, since);
    }
    default:
      return undefined;
  }
}

function moved(debitAccount: string, creditAccount: string, amount: string, asset: string, since: Since): Original {
  return { debitAccount, creditAccount, amount: parseAmount(amount) ?? 0n, asset, ...since };
}
