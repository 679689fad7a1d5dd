import { RunAgain, bigintArray, sqlState, statement, uuidArray, type Transaction } from '@payflow/database';
import type { Account } from '../domain/account.js';
import type { BookChanges } from '../domain/book.js';
import { accountKeys, toAccount, type AccountKey, type AccountRow, type LockedAccounts } from './account.repository.js';
import { moveHeadAtCommit, readBeginning, readHead, type Beginning } from './chain-head.repository.js';
import { chainOf, type ChainHead } from './chain.js';
import type { KeyedCommand } from './command-key.js';
import type { Remembered, RememberedAccounts, RememberedHead, Writer } from './remembered-accounts.js';
import { AWAIT, type Sharing } from './sharing.js';

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
  `with changed as (update accounts a set ${CHANGED} from ${ROWS} where ${AS_REMEMBERED} returning 1)
   select all_as_remembered(count(*), cardinality($1::uuid[])) from changed`,
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
   select all_as_remembered(count(*), cardinality($1::uuid[])) from held`,
);

// Where others told of accounts, nothing is taken on trust: a row must be all that the decision looked at.
const TOLD = `unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::xid8[], $5::bigint[], $6::bigint[], $7::bigint[],
  $8::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::text[], $16::bigint[])
  as n (tenant_id, livemode, id, writer, was_version, posted_debits, posted_credits, version, was_debits, was_credits,
    held_debits, held_credits, state, overdraft, overdraft_limit)`;

const AS_TOLD = `${AS_REMEMBERED} and a.posted_debits = n.was_debits and a.posted_credits = n.was_credits
  and a.pending_debits = n.held_debits and a.pending_credits = n.held_credits and a.state = n.state
  and a.overdraft = n.overdraft and a.overdraft_limit_minor = n.overdraft_limit and a.last_recorded_at <= $9::timestamptz`;

const WRITE_TOLD = statement(
  'ledger.write-told',
  `with changed as (update accounts a set ${CHANGED} from ${TOLD} where ${AS_TOLD} returning 1)
   select all_as_remembered(count(*), cardinality($1::uuid[])) from changed`,
);

const CHECK_AND_WRITE_TOLD = statement(
  'ledger.check-told',
  `with n as materialized (select * from ${TOLD}),
   held as materialized (
     select 1 from n join accounts a on ${AS_TOLD} order by a.tenant_id, a.livemode, a.id for no key update of a),
   changed as (
     update accounts a set ${CHANGED} from n
     where n.version <> n.was_version and (select count(*) from held) = cardinality($1::uuid[]) and ${AS_TOLD})
   select all_as_remembered(count(*), cardinality($1::uuid[])) from held`,
);

/** The server finds out after the same time that transactions wait for each other; of a wait in here it knows nothing. */
const PATIENCE_MS = 1_000;
/** No transaction takes so long; one that says that it began later has another clock than the server's. */
const AHEAD_MS_MAX = 10_000;

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
  const [{ xact, now_ms, ...read }, rows] = await Promise.all([begin(tx, chain, memory), readAccounts(tx, unknown)]);
  const seen = read.head && { head: read.head, writer: { at_ms: now_ms, ended: undefined } };
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

function begin(
  tx: Transaction,
  chain: number,
  memory: RememberedAccounts,
): Promise<Beginning & { readonly head?: ChainHead }> {
  return memory.head(chain) ? readBeginning(tx) : readHead(tx, chain);
}

function writerOf({ xact_id: xact, at_ms }: ReadRow): Writer {
  return { xact, at_ms, ended: undefined };
}

async function readAccounts(tx: Transaction, keys: readonly AccountKey[]): Promise<ReadRow[]> {
  if (keys.length === 0) return [];
  return tx.rows<ReadRow>(READ, [
    uuidArray(keys.map((key) => key.tenant)),
    keys.map((key) => key.livemode),
    uuidArray(keys.map((key) => key.uuid)),
  ]);
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
    if (hasMoved) moveHeadAtCommit(tx, chain, { from: rememberedHead.head, to: left.head }, explain);
    const rows = [...basis]
      .map(([scopedId, { key, account: was, writer }]) => ({ key, was, writer, is: left.changed.get(scopedId) ?? was }))
      .sort((a, b) => inIdOrder(a.key, b.key));
    const hasChangedAll = left.changed.size === rows.length;
    const areTold = rows.some(({ writer }) => writer.isTold);
    writeAtCommit(tx, rows, { now, hasChangedAll, areTold }, explain);
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

interface RecalledRow {
  readonly key: AccountKey;
  readonly writer: Writer;
  readonly was: Account;
  readonly is: Account;
}

function writeAtCommit(
  tx: Transaction,
  rows: readonly RecalledRow[],
  { now, hasChangedAll, areTold }: { readonly now: Date; readonly hasChangedAll: boolean; readonly areTold: boolean },
  explain: (error: unknown) => unknown,
): void {
  if (rows.length === 0) return;
  const values: unknown[] = [
    uuidArray(rows.map(({ key }) => key.tenant)),
    rows.map(({ key }) => key.livemode),
    uuidArray(rows.map(({ key }) => key.uuid)),
    rows.map(({ writer }) => writer.xact),
    bigintArray(rows.map(({ was }) => was.version)),
    bigintArray(rows.map(({ is }) => is.postedDebits)),
    bigintArray(rows.map(({ is }) => is.postedCredits)),
    bigintArray(rows.map(({ is }) => is.version)),
    now,
  ];
  if (areTold) values.push(...toldColumns(rows));
  const [write, check] = areTold ? [WRITE_TOLD, CHECK_AND_WRITE_TOLD] : [WRITE, CHECK_AND_WRITE];
  tx.atCommit(hasChangedAll ? write : check, values, undefined, explain);
}

function toldColumns(rows: readonly RecalledRow[]): unknown[] {
  return [
    bigintArray(rows.map(({ was }) => was.postedDebits)),
    bigintArray(rows.map(({ was }) => was.postedCredits)),
    bigintArray(rows.map(({ was }) => was.pendingDebits)),
    bigintArray(rows.map(({ was }) => was.pendingCredits)),
    rows.map(({ was }) => was.state),
    rows.map(({ was }) => was.overdraft),
    bigintArray(rows.map(({ was }) => was.overdraftLimit)),
  ];
}
