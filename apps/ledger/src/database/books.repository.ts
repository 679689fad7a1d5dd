import { RunAgain, isUniqueViolation, type Transaction } from '@payflow/database';
import type { BookChanges, LoadedBooks } from '../domain/book.js';
import { lockAccounts, needsDetails, saveAccounts, type LockedAccounts } from './account.repository.js';
import { isContested, loadAside, saveAside } from './aside.repository.js';
import { linked } from './chain.js';
import type { KeyedCommand } from './command-key.js';
import { knownTransfers, transfersNamed } from './known-transfers.js';
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
  const { accounts, details } = held;
  const transfers = knownTransfers(commands, known, { booked: aside.booked, reversed });
  const loaded = { ...aside, accounts, details, ...transfers };
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
