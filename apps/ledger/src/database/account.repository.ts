import { uuidOf, type AccountKind, type AccountState, type Overdraft } from '@payflow/contracts';
import { bigintArray, statement, uuidArray, type Transaction } from '@payflow/database';
import type { Account } from '../domain/account.js';
import { scoped, type AccountDetails, type BookChanges, type Owner } from '../domain/book.js';
import { OWN_LOCK } from './batch-lock.js';
import { headOf, type HeadRow } from './chain-head.repository.js';
import { chainOf, type ChainHead } from './chain.js';
import type { KeyedCommand } from './command-key.js';
import type { Turn } from './turns.js';
import { insertVersions, versionColumns } from './metadata-version.repository.js';

// The head of the batch's chain is locked first, as every batch does, and comes with the first row. The accounts' locks are
// taken one by one in id order, so that two batches can only wait for each other, never in a circle. The clock is read as each
// row comes out, and the last one's when every lock is held. A row is told by its number in the arrays and its time by a number: keys and timestamps as text cost as much
// as the locks.
const LOCKING = (told: string) =>
  `with head as materialized (
     select array[position::text, encode(hash, 'hex'), pg_current_xact_id()::text${told}] as head
     from chains where chain = $5 for update),
   locked as materialized (
     select n.nth, a.asset, a.kind, a.state, a.overdraft, a.overdraft_limit_minor, a.posted_debits, a.posted_credits, a.pending_debits,
       a.pending_credits, a.version, a.last_recorded_at, case when $4 then json_build_array(a.path, a.metadata, a.created_at) end as details
     from unnest($1::uuid[], $2::boolean[], $3::uuid[]) with ordinality as n (tenant_id, livemode, id, nth)
     join accounts a on a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id
     where (select count(*) from head) = 1
     order by a.tenant_id, a.livemode, a.id for update of a)
   select coalesce(nth, 0)::integer as nth, asset, kind, state, overdraft, overdraft_limit_minor, posted_debits, posted_credits, pending_debits,
     pending_credits, version, details, date_part('epoch', clock_timestamp()) * 1000 as now_ms,
     case when last_recorded_at > clock_timestamp() then date_part('epoch', last_recorded_at) * 1000 end as ahead_ms,
     case when row_number() over () = 1 then head.head end as head
   from head left join locked on true`;

const LOCK = statement('ledger.lock-accounts', LOCKING(''));
const LOCK_TOLD = statement('ledger.lock-accounts-told', LOCKING(`, ${OWN_LOCK}`));

const UPDATE = statement(
  'ledger.update-accounts',
  `with changed as (
     update accounts a set posted_debits = n.posted_debits, posted_credits = n.posted_credits, pending_debits = n.pending_debits,
       pending_credits = n.pending_credits, version = n.version, last_recorded_at = $9::timestamptz,
       xact_id = pg_current_xact_id()
     from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
       as n (tenant_id, livemode, id, posted_debits, posted_credits, pending_debits, pending_credits, version)
     where a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id returning 1)
   select all_as_remembered(count(*), cardinality($1::uuid[])) from changed`,
);

// New accounts, and all that can change of the others: for the batches in which something else than counters does.
const SAVE = statement(
  'ledger.save-accounts',
  `with n as materialized (
     select * from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
       $10::boolean[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::json[], $18::timestamptz[])
       as n (tenant_id, livemode, id, posted_debits, posted_credits, pending_debits, pending_credits, version,
         is_new, path, asset, kind, state, overdraft, overdraft_limit_minor, metadata, created_at)),
   opened as (
     insert into accounts (tenant_id, livemode, id, path, asset, kind, state, overdraft, overdraft_limit_minor, posted_debits,
       posted_credits, pending_debits, pending_credits, version, metadata, created_at, last_recorded_at)
     select tenant_id, livemode, id, path, asset, kind, state, overdraft, overdraft_limit_minor, posted_debits,
       posted_credits, pending_debits, pending_credits, version, metadata, created_at, $9::timestamptz
     from n where is_new order by tenant_id, livemode, id
     on conflict do nothing returning 1),
   changed as (
     update accounts a set posted_debits = n.posted_debits, posted_credits = n.posted_credits, pending_debits = n.pending_debits,
       pending_credits = n.pending_credits, version = n.version, last_recorded_at = $9::timestamptz,
       xact_id = pg_current_xact_id(), state = n.state,
       overdraft = n.overdraft, overdraft_limit_minor = n.overdraft_limit_minor, metadata = coalesce(n.metadata, a.metadata)
     from n where not n.is_new and a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id returning 1),
   told as (${insertVersions(19, '$9')})
   select ((select count(*) from opened) + (select count(*) from changed))::integer as saved`,
);

/** What a decision looks at of an account. */
export interface AccountRow {
  /** Which of the accounts asked for, counted from 1; 0 where none was found. */
  nth: number;
  asset: string;
  kind: AccountKind;
  state: AccountState;
  overdraft: Overdraft;
  overdraft_limit_minor: bigint;
  posted_debits: bigint;
  posted_credits: bigint;
  pending_debits: bigint;
  pending_credits: bigint;
  version: bigint;
}

/** What else there is of it, where it was asked for. */
export interface DetailsRow {
  details: [path: string | null, metadata: Record<string, string>, createdAt: string] | null;
}

/** Its `ahead_ms` is an account's last change where that is later than the clock. */
type LockedRow = AccountRow & HeadRow & DetailsRow & { readonly ahead_ms: number | null };

/** The key of an account's row, by which a batch's statements find it. */
export interface AccountKey {
  readonly scoped: string;
  readonly id: string;
  readonly tenant: string;
  readonly livemode: boolean;
  readonly uuid: string;
}

/** Accounts under lock, by scoped id, with the keys of their rows. */
export interface LockedAccounts {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly details: ReadonlyMap<string, AccountDetails>;
  readonly keys: ReadonlyMap<string, AccountKey>;
  /** When the batch is recorded: by the clock, but before no change of its accounts. */
  readonly now: Date;
  /** The ledger's clock as it stood after the locks. */
  readonly clock: Date;
  /** The transaction's id, as it comes to stand in the rows that it writes. */
  readonly xact: string;
  readonly chain: number;
  /** Where the chain has come to. */
  readonly head: ChainHead;
  /** Where processes that share the accounts take turns. */
  readonly turn?: Turn | undefined;
}

/**
 * Locks the accounts that the commands name and reads the clock after it. What is recorded on an account never goes back. `isTold`:
 * others are going to be told what the batch leaves.
 */
export async function lockAccounts(
  tx: Transaction,
  commands: readonly KeyedCommand[],
  { isTold }: { readonly isTold: boolean },
): Promise<LockedAccounts> {
  const keys = accountKeys(commands);
  const wanted = [...keys.values()];
  const chain = chainOf(commands[0]?.command.key ?? '');
  const rows = await tx.rows<LockedRow>(isTold ? LOCK_TOLD : LOCK, [
    uuidArray(wanted.map((key) => key.tenant)),
    wanted.map((key) => key.livemode),
    uuidArray(wanted.map((key) => key.uuid)),
    commands.some(needsDetails),
    chain,
  ]);
  const clock_ms = rows.reduce((latest, { now_ms }) => Math.max(latest, now_ms), 0);
  const now_ms = rows.reduce((latest, { ahead_ms }) => Math.max(latest, ahead_ms ?? 0), clock_ms);
  const accounts = new Map<string, Account>();
  const details = new Map<string, AccountDetails>();
  for (const row of rows) {
    const key = wanted[row.nth - 1];
    // Where a batch finds no account, those that it opens may still be paid from and to: the head comes alone.
    if (!key) continue;
    accounts.set(key.scoped, toAccount(key.id, row));
    if (row.details) details.set(key.scoped, toDetails(row.details));
  }
  const { head, xact } = headOf(rows[0]);
  return { accounts, details, keys, now: new Date(now_ms), clock: new Date(clock_ms), xact, chain, head };
}

/** The accounts that the commands name, by scoped id. */
export function accountKeys(commands: readonly KeyedCommand[]): Map<string, AccountKey> {
  const keys = new Map<string, AccountKey>();
  for (const { command, tenant } of commands) {
    for (const id of accountIds(command)) {
      const key = scoped(command, id);
      if (!keys.has(key))
        keys.set(key, { scoped: key, id, tenant, livemode: command.livemode, uuid: uuidOf('account', id) });
    }
  }
  return keys;
}

/** Path and metadata, which are not remembered: of what changes an account, or names a type, whose rule may ask for the path. */
export function needsDetails({ command }: KeyedCommand): boolean {
  if (command.type === 'payflow.group.post.v1') return command.data.legs.some(({ type }) => type !== undefined);
  return command.type === 'payflow.account.update.v1' || typesOf(command).length > 0;
}

// One for all that name none, which is nearly every command.
const NONE: readonly string[] = [];

/** The types that a command's transfers, or its hold, name. */
export function typesOf(command: KeyedCommand['command']): readonly string[] {
  switch (command.type) {
    case 'payflow.group.post.v1':
      return command.data.legs.flatMap(({ type }) => type ?? []);
    case 'payflow.transfer.correct.v1':
      return command.data.replacement.type === undefined ? NONE : [command.data.replacement.type];
    case 'payflow.hold.place.v1':
    case 'payflow.transfer.reverse.v1':
      return command.data.type === undefined ? NONE : [command.data.type];
    default:
      return NONE;
  }
}

function accountIds(command: KeyedCommand['command']): string[] {
  switch (command.type) {
    case 'payflow.account.open.v1':
    case 'payflow.account.update.v1':
      return [command.data.id];
    case 'payflow.asset.define.v1':
      return [];
    case 'payflow.group.post.v1':
      return [
        ...command.data.legs.flatMap((leg) => [leg.debit_account, leg.credit_account]),
        ...command.data.conditions.map(({ account }) => account),
      ];
    case 'payflow.conversion.post.v1': {
      const { source, source_liquidity, destination_liquidity, destination, conditions = [] } = command.data;
      return [
        source,
        source_liquidity,
        destination_liquidity,
        destination,
        ...conditions.map(({ account }) => account),
      ];
    }
    case 'payflow.period.close.v1':
    case 'payflow.transaction_type.define.v1':
      return [];
    case 'payflow.transfer.update.v1':
      return [command.data.debit_account];
    case 'payflow.transfer.correct.v1': {
      const { debit_account, credit_account, replacement } = command.data;
      return [debit_account, credit_account, replacement.debit_account, replacement.credit_account];
    }
    case 'payflow.transfer.post.v1':
    case 'payflow.transfer.reverse.v1':
    case 'payflow.hold.place.v1':
    case 'payflow.hold.post.v1':
    case 'payflow.hold.void.v1':
      return [command.data.debit_account, command.data.credit_account];
    default:
      return command satisfies never;
  }
}

/** Saves what a batch opened and changed, one netted row each. Returns false when an id or a path has been taken in the meantime. */
export async function saveAccounts(
  tx: Transaction,
  { opened, changed, details, metadata }: Pick<BookChanges, 'opened' | 'changed' | 'details' | 'metadata'>,
  keys: LockedAccounts['keys'],
  now: Date,
): Promise<boolean> {
  const rows = [...opened, ...changed].map(([scopedId, account]) => ({
    account,
    key: keys.get(scopedId) as AccountKey,
    details: details.get(scopedId),
    isNew: opened.has(scopedId),
  }));
  if (rows.length === 0) return true;
  const counters = [
    uuidArray(rows.map(({ key }) => key.tenant)),
    rows.map(({ key }) => key.livemode),
    uuidArray(rows.map(({ key }) => key.uuid)),
    bigintArray(rows.map(({ account }) => account.postedDebits)),
    bigintArray(rows.map(({ account }) => account.postedCredits)),
    bigintArray(rows.map(({ account }) => account.pendingDebits)),
    bigintArray(rows.map(({ account }) => account.pendingCredits)),
    bigintArray(rows.map(({ account }) => account.version)),
    now,
  ];
  if (details.size === 0) {
    await tx.rows(UPDATE, counters);
    return true;
  }
  const [result] = await tx.rows<{ saved: number }>(SAVE, [
    ...counters,
    rows.map(({ isNew }) => isNew),
    rows.map((row) => row.details?.path ?? null),
    rows.map(({ account }) => account.asset),
    rows.map(({ account }) => account.kind),
    rows.map(({ account }) => account.state),
    rows.map(({ account }) => account.overdraft),
    rows.map(({ account }) => account.overdraftLimit),
    rows.map((row) => (row.details ? JSON.stringify(row.details.metadata) : null)),
    rows.map((row) => row.details?.createdAt ?? null),
    ...versionColumns(metadata.filter(({ of }) => of === 'account')),
  ]);
  return result?.saved === rows.length;
}

/** The accounts' rows that belong to an owner's ids. */
export function accountUuid(keys: LockedAccounts['keys'], owner: Owner, id: string): string {
  return accountKey(keys, owner, id).uuid;
}

export function accountKey(keys: LockedAccounts['keys'], owner: Owner, id: string): AccountKey {
  return keys.get(scoped(owner, id)) as AccountKey;
}

export function toAccount(id: string, row: AccountRow): Account {
  return {
    id,
    asset: shared(row.asset),
    kind: shared(row.kind),
    state: shared(row.state),
    overdraft: shared(row.overdraft),
    overdraftLimit: row.overdraft_limit_minor,
    postedDebits: row.posted_debits,
    postedCredits: row.posted_credits,
    pendingDebits: row.pending_debits,
    pendingCredits: row.pending_credits,
    version: Number(row.version),
  };
}

/** More assets than are in use at a time. */
const TEXTS_MAX = 1_024;
const texts = new Map<string, string>();

/**
 * One text for all accounts that have it. The driver makes a new one for each row: of a hundred thousand that are remembered each
 * would keep four of its own, and a decision would fetch them one by one from where no cache has them.
 */
function shared<T extends string>(text: T): T {
  const known = texts.get(text);
  if (known !== undefined) return known as T;
  if (texts.size >= TEXTS_MAX) texts.clear();
  texts.set(text, text);
  return text;
}

export function toDetails([path, metadata, createdAt]: NonNullable<DetailsRow['details']>): AccountDetails {
  return { path, metadata, createdAt: new Date(createdAt).toISOString() };
}
