import { setTimeout as delay } from 'node:timers/promises';
import { RunAgain, statement, type Transaction } from '@payflow/database';
import type { Account } from '../domain/account.js';
import type { BookChanges } from '../domain/book.js';
import {
  accountKeys,
  lockHead,
  toAccount,
  type AccountKey,
  type AccountRow,
  type LockedAccounts,
} from './account.repository.js';
import { chainOf } from './chain.js';
import type { KeyedCommand } from './command-key.js';
import { keepIn, type Remembered, type RememberedAccounts, type Writer } from './remembered-accounts.js';

const READ = statement(
  'ledger.recall-accounts',
  `select n.nth::integer, a.asset, a.kind, a.state, a.overdraft, a.overdraft_limit_minor, a.posted_debits, a.posted_credits,
     a.pending_debits, a.pending_credits, a.version, a.xact_id::text, date_part('epoch', a.last_recorded_at) * 1000 as at_ms
   from unnest($1::uuid[], $2::boolean[], $3::uuid[]) with ordinality as n (tenant_id, livemode, id, nth)
   join accounts a on a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id`,
);

const ROWS = `unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::xid8[], $5::bigint[], $6::bigint[], $7::bigint[],
  $8::bigint[])
  as n (tenant_id, livemode, id, writer, was_version, posted_debits, posted_credits, version)`;

// A transaction writes each account once: the same writer, the same row. A process from before rows named their writer, while it
// is being replaced, counts the version up all the same.
const AS_REMEMBERED = `a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id and a.xact_id = n.writer
  and a.version = n.was_version`;

const CHANGED = `posted_debits = n.posted_debits, posted_credits = n.posted_credits, version = n.version,
  last_recorded_at = $9::timestamptz, xact_id = pg_current_xact_id()`;

// Rows come in id order and are locked in it.
const WRITE = statement(
  'ledger.write-remembered',
  `update accounts a set ${CHANGED} from ${ROWS} where ${AS_REMEMBERED}`,
);

// Accounts that were looked at and not changed, by a refusal or a condition, must be as remembered too at this moment.
const CHECK_AND_WRITE = statement(
  'ledger.check-remembered',
  `with n as materialized (select * from ${ROWS}),
   held as materialized (
     select 1 from n join accounts a on ${AS_REMEMBERED} order by a.tenant_id, a.livemode, a.id for no key update of a),
   changed as (
     update accounts a set ${CHANGED} from n
     where n.version <> n.was_version and (select count(*) from held) = cardinality($1::uuid[]) and ${AS_REMEMBERED})
   select count(*)::integer as held from held`,
);

/** The server finds out after the same time that transactions wait for each other; of a wait in here it knows nothing. */
const PATIENCE_MS = 1_000;

type ReadRow = AccountRow & { readonly at_ms: number; readonly xact_id: string };

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
  const found: { readonly key: AccountKey; readonly remembered: Remembered }[] = [];
  const unknown: AccountKey[] = [];
  for (const key of keys.values()) {
    const remembered = memory.get(key.scoped);
    if (remembered) found.push({ key, remembered });
    else unknown.push(key);
  }
  const chain = chainOf(commands[0]?.command.key ?? '');
  const [{ head, now_ms, xact }, rows] = await Promise.all([lockHead(tx, chain), readAccounts(tx, unknown)]);
  for (const row of rows) {
    const key = unknown[row.nth - 1] as AccountKey;
    // Another batch may have been quicker, and gone on.
    const remembered = memory.get(key.scoped) ?? memory.keep(key.scoped, toAccount(key.id, row), writerOf(row));
    found.push({ key, remembered });
  }
  // Not to be taken for accounts that do not exist.
  if (found.some(({ remembered }) => remembered.isForgotten))
    throw undecided([], memory, 'an account was forgotten meanwhile');
  const accounts = new Map<string, Account>();
  const basis = new Map<string, Basis>();
  let latest_ms = now_ms;
  for (const { key, remembered } of found) {
    const account = { ...remembered.account };
    accounts.set(key.scoped, account);
    basis.set(key.scoped, { key, remembered, account, writer: remembered.writer });
    latest_ms = Math.max(latest_ms, remembered.writer.at_ms);
  }
  return { accounts, details: new Map(), keys, now: new Date(latest_ms), xact, chain, head, basis };
}

function writerOf({ xact_id: xact, at_ms }: ReadRow): Writer {
  return { xact, at_ms, ended: undefined };
}

async function readAccounts(tx: Transaction, keys: readonly AccountKey[]): Promise<ReadRow[]> {
  if (keys.length === 0) return [];
  return tx.rows<ReadRow>(READ, [
    keys.map((key) => key.tenant),
    keys.map((key) => key.livemode),
    keys.map((key) => key.uuid),
  ]);
}

/**
 * Writes what a batch changed, as the last thing before COMMIT: its accounts are locked for no longer than that. It waits for
 * the batches whose results it built on to end, and then finds what it remembered. Where it does not, it runs again.
 */
export function saveRecalled(
  tx: Transaction,
  { changed }: Pick<BookChanges, 'changed'>,
  { basis, now, xact }: RecalledAccounts,
  memory: RememberedAccounts,
): void {
  const before = new Set([...basis.values()].flatMap(({ writer: { ended } }) => ended ?? []));
  const ended = new Promise<void>((resolve) => tx.onEnd(() => resolve()));
  const writer = { xact, at_ms: now.getTime(), ended };
  for (const [scopedId, account] of changed) keepIn((basis.get(scopedId) as Basis).remembered, account, writer);
  forgetIfUndone(tx, writer, changed, memory);
  tx.afterAll(async () => {
    if (!(await haveEnded(before))) throw undecided(basis.keys(), memory, 'the batches before it do not end');
    const rows = [...basis]
      .map(([scopedId, { key, account: was, writer }]) => ({ key, was, writer, is: changed.get(scopedId) ?? was }))
      .sort((a, b) => inIdOrder(a.key, b.key));
    const isAsRemembered = await writeRows(tx, rows, { now, hasChangedAll: changed.size === rows.length });
    if (!isAsRemembered) throw undecided(basis.keys(), memory, 'an account is not as it was remembered');
  });
}

/** False when they take so long that one of them may be waiting, over locks of others, for the one that asks. */
async function haveEnded(batches: ReadonlySet<Promise<void>>): Promise<boolean> {
  if (batches.size === 0) return true;
  const patience = new AbortController();
  const tooLong = delay(PATIENCE_MS, false, { signal: patience.signal });
  tooLong.catch(() => undefined);
  const ended = await Promise.race([Promise.all(batches).then(() => true), tooLong]);
  patience.abort();
  return ended;
}

function undecided(scopedIds: Iterable<string>, memory: RememberedAccounts, reason: string): RunAgain {
  memory.forget(scopedIds);
  memory.doubt();
  return new RunAgain(reason);
}

/** What a batch that holds its accounts' locks left is news for those that come after it. */
export function rememberLocked(
  tx: Transaction,
  { changed, details }: Pick<BookChanges, 'changed' | 'details'>,
  { now, xact }: LockedAccounts,
  memory: RememberedAccounts,
): void {
  const writer = { xact, at_ms: now.getTime(), ended: undefined };
  for (const [scopedId, account] of changed) memory.keep(scopedId, account, writer);
  // Whoever opens an account or changes its terms is not taken at its word before it is read again.
  memory.forget(details.keys());
  forgetIfUndone(tx, writer, changed, memory);
}

function forgetIfUndone(
  tx: Transaction,
  writer: Writer,
  changed: ReadonlyMap<string, Account>,
  memory: RememberedAccounts,
): void {
  tx.onEnd((isCommitted) => {
    if (!isCommitted) memory.forgetLeftBy(writer, [...changed.keys()]);
  });
}

function inIdOrder(a: AccountKey, b: AccountKey): number {
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  if (a.livemode !== b.livemode) return a.livemode ? 1 : -1;
  return a.uuid < b.uuid ? -1 : 1;
}

interface RecalledRow {
  readonly key: AccountKey;
  readonly writer: Writer;
  readonly was: Account;
  readonly is: Account;
}

async function writeRows(
  tx: Transaction,
  rows: readonly RecalledRow[],
  { now, hasChangedAll }: { readonly now: Date; readonly hasChangedAll: boolean },
): Promise<boolean> {
  if (rows.length === 0) return true;
  const values = [
    rows.map(({ key }) => key.tenant),
    rows.map(({ key }) => key.livemode),
    rows.map(({ key }) => key.uuid),
    rows.map(({ writer }) => writer.xact),
    rows.map(({ was }) => was.version),
    rows.map(({ is }) => is.postedDebits),
    rows.map(({ is }) => is.postedCredits),
    rows.map(({ is }) => is.version),
    now,
  ];
  if (hasChangedAll) return (await tx.count(WRITE, values)) === rows.length;
  const [result] = await tx.rows<{ held: number }>(CHECK_AND_WRITE, values);
  return result?.held === rows.length;
}
