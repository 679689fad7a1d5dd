import { RunAgain, sqlState, type Transaction } from '@payflow/database';
import type { Account } from '../domain/account.js';
import type { BookChanges } from '../domain/book.js';
import { accountKeys, toAccount, type AccountKey, type LockedAccounts } from './account.repository.js';
import { AWAIT } from './batch-lock.js';
import { beginBatch, readAccounts, type ReadRow } from './beginning.repository.js';
import { chainOf, type ChainHead } from './chain.js';
import type { KeyedCommand } from './command-key.js';
import { writeAtCommit } from './recalled-rows.repository.js';
import type { Remembered, RememberedAccounts, RememberedHead, Writer } from './remembered-accounts.js';
import type { Sharing } from './sharing.js';

/** The server finds out after the same time that transactions wait for each other; of a wait in here it knows nothing. */
const PATIENCE_MS = 1_000;
/** No transaction takes so long; one that says that it began later has another clock than the server's. */
const AHEAD_MS_MAX = 10_000;

/** What a batch took an account for. */
interface Basis {
  readonly key: AccountKey;
  readonly remembered: Remembered;
  readonly account: Account;
  readonly writer: Writer;
}

/** A batch's accounts as remembered, without a lock on them. */
export interface RecalledAccounts extends LockedAccounts {
  /** By scoped id. */
  readonly basis: ReadonlyMap<string, Basis>;
  readonly rememberedHead: RememberedHead;
}

/**
 * The accounts that the commands name, from memory, and read where there is none. Nothing may wait between this and the
 * decision: it is on the last word of every batch of this process, and leaves the next one.
 */
export async function recallAccounts(
  tx: Transaction,
  commands: readonly KeyedCommand[],
  memory: RememberedAccounts,
): Promise<RecalledAccounts> {
  const keys = accountKeys(commands);
  const { sharing } = memory;
  let found: Found[] = [];
  const unknown: AccountKey[] = [];
  for (const key of keys.values()) {
    const remembered = memory.get(key.scoped);
    if (remembered && sharing?.isOutdated(remembered)) memory.forget([key.scoped]);
    if (remembered && !remembered.isForgotten) found.push({ key, remembered });
    else unknown.push(key);
  }
  const asOf = sharing?.latest ?? 0;
  const chain = chainOf(commands[0]?.command.key ?? '');
  const wanted = { accounts: unknown, chain: memory.head(chain) ? undefined : chain };
  const { xact, now_ms, head: read, rows } = await beginBatch(tx, wanted, { isTold: sharing !== undefined });
  const seen = read && { head: read, writer: { at_ms: now_ms, ended: undefined } };
  const turn = await sharing?.take(tx);
  const rememberedHead = memory.head(chain) ?? (seen && memory.keepHead(chain, seen));
  if (!rememberedHead) throw new RunAgain('the head of the chain was forgotten meanwhile');
  found.push(...keepRead(rows, unknown, memory, asOf));
  if (sharing) found = await broughtUp(tx, found, memory, sharing);
  // Not to be taken for accounts that do not exist.
  if (found.some(({ remembered }) => remembered.isForgotten)) throw new RunAgain('an account was forgotten meanwhile');
  const accounts = new Map<string, Account>();
  const basis = new Map<string, Basis>();
  let latest_ms = Math.max(now_ms, rememberedHead.writer.at_ms);
  for (const { key, remembered } of found) {
    const account = { ...remembered.account };
    accounts.set(key.scoped, account);
    basis.set(key.scoped, { key, remembered, account, writer: remembered.writer });
    latest_ms = Math.max(latest_ms, remembered.writer.at_ms);
  }
  if (sharing && latest_ms > now_ms + AHEAD_MS_MAX)
    throw undecided({ chain, accounts: [...keys.values()] }, memory, 'an account is told of from the future');
  const [now, clock] = [new Date(latest_ms), new Date(now_ms)];
  const { head } = rememberedHead;
  return { accounts, details: new Map(), keys, now, clock, xact, chain, head, rememberedHead, basis, turn };
}

interface Found {
  readonly key: AccountKey;
  readonly remembered: Remembered;
}

function keepRead(
  rows: readonly ReadRow[],
  keys: readonly AccountKey[],
  memory: RememberedAccounts,
  asOf: number,
): Found[] {
  return rows.map((row) => {
    const key = keys[row.nth - 1] as AccountKey;
    // Another batch may have been quicker, and gone on.
    const remembered = memory.get(key.scoped) ?? memory.keep(key.scoped, toAccount(key.id, row), writerOf(row), asOf);
    return { key, remembered };
  });
}

/** The accounts as others told of them before this turn. Of which more has changed is read again, in the turn. */
async function broughtUp(
  tx: Transaction,
  found: Found[],
  memory: RememberedAccounts,
  sharing: Sharing,
): Promise<Found[]> {
  const known = found.filter(({ key, remembered }) => !remembered.isForgotten && sharing.bringUp(key, remembered));
  if (known.length === found.length) return found;
  const here = new Set(known);
  const keys = found.filter((each) => !here.has(each)).map(({ key }) => key);
  memory.forget(keys.map((key) => key.scoped));
  const read = keepRead(await readAccounts(tx, keys), keys, memory, sharing.latest);
  if (!read.every(({ key, remembered }) => sharing.bringUp(key, remembered)))
    throw new RunAgain('an account was told of meanwhile');
  return [...known, ...read];
}

function writerOf({ xact_id: xact, at_ms }: ReadRow): Writer {
  return { xact, at_ms, ended: undefined };
}

/** What a batch leaves to be remembered. */
export interface Left extends Pick<BookChanges, 'changed' | 'details'> {
  readonly head: ChainHead;
}

/**
 * Writes what a batch changed together with COMMIT: its chain and its accounts are locked for no longer than that. It waits for
 * the batches whose results it built on to end, and is undone where the rows are not what it remembered. Then it runs again.
 */
export function saveRecalled(tx: Transaction, left: Left, held: RecalledAccounts, memory: RememberedAccounts): void {
  const { basis, now, xact, chain, rememberedHead } = held;
  const before = new Set(
    [rememberedHead.writer, ...[...basis.values()].map(({ writer }) => writer)].flatMap(({ ended }) => ended ?? []),
  );
  const ended = new Promise<boolean>((resolve) => tx.onEnd(resolve));
  const writer = { xact, at_ms: now.getTime(), ended };
  for (const [scopedId, account] of left.changed)
    memory.keepIn((basis.get(scopedId) as Basis).remembered, scopedId, account, writer);
  const hasMoved = left.head !== rememberedHead.head;
  if (hasMoved) memory.keepHead(chain, { head: left.head, writer });
  forgetIfUndone(tx, writer, { ...left, chain }, memory);
  const named = { chain, accounts: [...basis.values()].map(({ key }) => key) };
  const explain = (error: unknown) =>
    sqlState(error) === 'PF001' ? undecided(named, memory, 'something is not as it was remembered') : error;
  memory.began(ended);
  const elsewhere = tellOthers(tx, left, held, memory);
  tx.afterAll(async () => {
    await expectCommitted(before, named, memory);
    // They end on the server, and what follows looks at the rows after it.
    if (elsewhere.length > 0) tx.atCommit(AWAIT, [elsewhere.map(({ xact }) => xact)]);
    const rows = [...basis]
      .map(([scopedId, { key, account: was, writer }]) => ({ key, was, writer, is: left.changed.get(scopedId) ?? was }))
      .sort((a, b) => inIdOrder(a.key, b.key));
    const hasChangedAll = left.changed.size === rows.length;
    const move = { chain, from: rememberedHead.head, to: left.head };
    writeAtCommit(tx, { rows, hasChangedAll, move, now }, explain);
  });
}

/** Ends the turn. Returns the batches of other processes that this one built on. */
function tellOthers(
  tx: Transaction,
  left: Left,
  held: RecalledAccounts,
  memory: RememberedAccounts,
): readonly Writer[] {
  if (!memory.sharing) return [];
  memory.sharing.tell(tx, left, held);
  const elsewhere = [...new Set([...held.basis.values()].map(({ writer }) => writer))].filter(
    ({ mayBeUnderWay }) => mayBeUnderWay,
  );
  tx.onEnd((isCommitted) => {
    if (isCommitted) for (const writer of elsewhere) writer.mayBeUnderWay = false;
  });
  return elsewhere;
}

/** What a memory was wrong about. */
interface Named {
  readonly chain: number;
  readonly accounts: readonly AccountKey[];
}

async function expectCommitted(
  before: ReadonlySet<Promise<boolean>>,
  named: Named,
  memory: RememberedAccounts,
): Promise<void> {
  if (before.size === 0) return;
  const ends = await endsOf(before);
  if (!ends) throw undecided(named, memory, 'the batches before it do not end');
  if (ends.every((isCommitted) => isCommitted)) return;
  // The memory was right about the batch, and the batch was undone.
  forget(named, memory);
  throw new RunAgain('a batch that it built on was undone');
}

/** How they ended; undefined when they take so long that one may be waiting, over locks of others, for the one that asks. */
async function endsOf(batches: ReadonlySet<Promise<boolean>>): Promise<readonly boolean[] | undefined> {
  let patience: NodeJS.Timeout | undefined;
  const tooLong = new Promise<undefined>((resolve) => (patience = setTimeout(resolve, PATIENCE_MS, undefined)));
  const ends = await Promise.race([Promise.all(batches), tooLong]);
  clearTimeout(patience);
  return ends;
}

function undecided(named: Named, memory: RememberedAccounts, reason: string): RunAgain {
  forget(named, memory);
  memory.doubt();
  return new RunAgain(reason);
}

function forget({ chain, accounts }: Named, memory: RememberedAccounts): void {
  memory.forget(accounts.map((key) => key.scoped));
  memory.sharing?.unlearn(accounts);
  memory.forgetHead(chain);
}

/** What a batch that holds its accounts' locks left is news for those that come after it. */
export function rememberLocked(tx: Transaction, left: Left, held: LockedAccounts, memory: RememberedAccounts): void {
  const { now, xact, chain } = held;
  const writer = { xact, at_ms: now.getTime(), ended: undefined };
  for (const [scopedId, account] of left.changed) memory.keep(scopedId, account, writer);
  memory.keepHead(chain, { head: left.head, writer });
  // Whoever opens an account or changes its terms is not taken at its word before it is read again.
  memory.forget(left.details.keys());
  memory.sharing?.tell(tx, left, held);
  forgetIfUndone(tx, writer, { ...left, chain }, memory);
}

function forgetIfUndone(
  tx: Transaction,
  writer: Writer,
  { changed, chain }: Pick<Left, 'changed'> & { readonly chain: number },
  memory: RememberedAccounts,
): void {
  tx.onEnd((isCommitted) => {
    if (isCommitted) return;
    memory.forgetLeftBy(writer, [...changed.keys()]);
    memory.forgetHeadLeftBy(writer, chain);
  });
}

function inIdOrder(a: AccountKey, b: AccountKey): number {
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  if (a.livemode !== b.livemode) return a.livemode ? 1 : -1;
  return a.uuid < b.uuid ? -1 : 1;
}
