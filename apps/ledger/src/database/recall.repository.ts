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
import type { Batch, Remembered, RememberedAccounts } from './remembered-accounts.js';

const READ = statement(
  'ledger.read-accounts',
  `select n.nth::integer, a.asset, a.kind, a.state, a.overdraft, a.overdraft_limit_minor, a.posted_debits, a.posted_credits,
     a.pending_debits, a.pending_credits, a.version, date_part('epoch', a.last_recorded_at) * 1000 as at_ms
   from unnest($1::uuid[], $2::boolean[], $3::uuid[]) with ordinality as n (tenant_id, livemode, id, nth)
   join accounts a on a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id`,
);

const ROWS = `unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
  $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
  as n (tenant_id, livemode, id, was_version, was_debits, was_credits, pending_debits, pending_credits, state, overdraft,
    overdraft_limit, posted_debits, posted_credits, version)`;

// All that a decision looks at. Equal rows make equal decisions, whoever wrote them.
const AS_REMEMBERED = `a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id and a.version = n.was_version
  and a.posted_debits = n.was_debits and a.posted_credits = n.was_credits and a.pending_debits = n.pending_debits
  and a.pending_credits = n.pending_credits and a.state = n.state and a.overdraft = n.overdraft
  and a.overdraft_limit_minor = n.overdraft_limit`;

const CHANGED = `posted_debits = n.posted_debits, posted_credits = n.posted_credits, version = n.version,
  last_recorded_at = $15::timestamptz`;

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

type ReadRow = AccountRow & { readonly at_ms: number };

/** A batch's accounts as remembered, without a lock on them. */
export interface RecalledAccounts extends LockedAccounts {
  /** What each account was remembered as, by its key's scoped id. */
  readonly basis: ReadonlyMap<string, Remembered>;
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
  const [known, unknown] = bothWays([...keys.values()], ({ scoped }) => memory.has(scoped));
  const chain = chainOf(commands[0]?.command.key ?? '');
  const [{ head, now_ms }, rows] = await Promise.all([lockHead(tx, chain), readAccounts(tx, unknown)]);
  for (const row of rows) {
    const { scoped, id } = unknown[row.nth - 1] as AccountKey;
    // Another batch may have been quicker, and gone on.
    if (!memory.has(scoped)) memory.keep(scoped, toAccount(id, row), { at_ms: row.at_ms, ended: undefined });
  }
  // Not to be taken for accounts that do not exist.
  if (known.some(({ scoped }) => !memory.has(scoped)))
    throw undecided([], memory, 'an account was forgotten meanwhile');
  const basis = new Map<string, Remembered>();
  for (const { scoped } of keys.values()) {
    const remembered = memory.recall(scoped);
    if (remembered) basis.set(scoped, remembered);
  }
  const accounts = new Map([...basis].map(([scoped, { account }]) => [scoped, account]));
  const latest_ms = [...basis.values()].reduce((latest, { leftBy }) => Math.max(latest, leftBy.at_ms), now_ms);
  return { accounts, details: new Map(), keys, now: new Date(latest_ms), chain, head, basis };
}

function bothWays<T>(all: readonly T[], is: (each: T) => boolean): [yes: T[], no: T[]] {
  const [yes, no]: [T[], T[]] = [[], []];
  for (const each of all) (is(each) ? yes : no).push(each);
  return [yes, no];
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
  { basis, keys, now }: RecalledAccounts,
  memory: RememberedAccounts,
): void {
  const before = new Set([...basis.values()].flatMap(({ leftBy: { ended } }) => ended ?? []));
  const batch = { at_ms: now.getTime(), ended: new Promise<void>((resolve) => tx.onEnd(() => resolve())) };
  for (const [key, account] of changed) memory.keep(key, account, batch);
  forgetIfUndone(tx, batch, [...changed.keys()], memory);
  tx.afterAll(async () => {
    if (!(await haveEnded(before))) throw undecided(basis.keys(), memory, 'the batches before it do not end');
    const rows = [...basis]
      .map(([key, { account }]) => ({
        key: keys.get(key) as AccountKey,
        was: account,
        is: changed.get(key) ?? account,
      }))
      .sort((a, b) => inIdOrder(a.key, b.key));
    const isAsRemembered = await writeRows(tx, rows, now);
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

function undecided(keys: Iterable<string>, memory: RememberedAccounts, reason: string): RunAgain {
  memory.forget(keys);
  memory.doubt();
  return new RunAgain(reason);
}

/** What a batch that holds its accounts' locks found and left is news for those that come after it. */
export function rememberLocked(
  tx: Transaction,
  { changed, details }: Pick<BookChanges, 'changed' | 'details'>,
  { accounts, now }: LockedAccounts,
  memory: RememberedAccounts,
): void {
  const batch = { at_ms: now.getTime(), ended: undefined };
  for (const [key, account] of accounts) {
    const is = changed.get(key);
    // What was only looked at is remembered where it is not: a batch under way may know better.
    if (is || !memory.has(key)) memory.keep(key, is ?? account, batch);
  }
  // Whoever opens an account or changes its terms is not taken at its word before it is read again.
  memory.forget(details.keys());
  forgetIfUndone(tx, batch, [...changed.keys()], memory);
}

function forgetIfUndone(tx: Transaction, batch: Batch, keys: readonly string[], memory: RememberedAccounts): void {
  tx.onEnd((isCommitted) => {
    if (!isCommitted) memory.forgetLeftBy(batch, keys);
  });
}

function inIdOrder(a: AccountKey, b: AccountKey): number {
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  if (a.livemode !== b.livemode) return a.livemode ? 1 : -1;
  return a.uuid < b.uuid ? -1 : 1;
}

interface RecalledRow {
  readonly key: AccountKey;
  readonly was: Account;
  readonly is: Account;
}

async function writeRows(tx: Transaction, rows: readonly RecalledRow[], now: Date): Promise<boolean> {
  if (rows.length === 0) return true;
  const values = [
    rows.map(({ key }) => key.tenant),
    rows.map(({ key }) => key.livemode),
    rows.map(({ key }) => key.uuid),
    rows.map(({ was }) => was.version),
    rows.map(({ was }) => was.postedDebits),
    rows.map(({ was }) => was.postedCredits),
    rows.map(({ was }) => was.pendingDebits),
    rows.map(({ was }) => was.pendingCredits),
    rows.map(({ was }) => was.state),
    rows.map(({ was }) => was.overdraft),
    rows.map(({ was }) => was.overdraftLimit),
    rows.map(({ is }) => is.postedDebits),
    rows.map(({ is }) => is.postedCredits),
    rows.map(({ is }) => is.version),
    now,
  ];
  if (rows.every(({ was, is }) => was !== is)) return (await tx.count(WRITE, values)) === rows.length;
  const [result] = await tx.rows<{ held: number }>(CHECK_AND_WRITE, values);
  return result?.held === rows.length;
}
