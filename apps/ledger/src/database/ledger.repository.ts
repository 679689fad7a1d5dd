import { fromUuid, newId, uuidOf, type AccountOpen, type MessageType, type TransferPost } from '@payflow/contracts';
import { RunAgain, joinJson, statement, type Transaction } from '@payflow/database';
import type { Account } from '../domain/account.js';
import { scoped, type LedgerCommand, type Verdict } from '../domain/book.js';
import { contentHash } from './content-hash.js';

/** The ledger's answer to one command, with the id of the event that carries it. */
export interface Answer {
  readonly keyed: KeyedCommand;
  readonly verdict: Verdict;
  /** The verdict's data, as it is both stored and published. */
  readonly json: string;
  readonly eventId: string;
}

/** A verdict that was given before. */
export interface KnownVerdict {
  /** SHA-256 in hexadecimal. */
  readonly contentHash: string;
  readonly commandId: string;
  readonly eventId: string;
  readonly verdict: Verdict;
}

type CommandKind = 'account' | 'transfer';

const FIND_VERDICTS = statement(
  'ledger.find-verdicts',
  `select v.tenant_id, v.livemode, v.kind, v.id, encode(v.content_hash, 'hex') as content_hash, v.command_id, v.event_id, v.event_type, v.event_data
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[]) as c (tenant_id, livemode, kind, id)
   join verdicts v using (tenant_id, livemode, kind, id)`,
);

// Locks are taken one by one in id order, so that two batches can only wait for each other, never in a circle.
// The clock is read as the last row comes out, when every lock is held.
const LOCK_ACCOUNTS = statement(
  'ledger.lock-accounts',
  `with locked as materialized (
     select a.* from accounts a
     where (a.tenant_id, a.livemode, a.id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))
     order by a.tenant_id, a.livemode, a.id for update)
   select tenant_id, livemode, id, asset, overdraft, posted_debits, posted_credits, pending_debits, pending_credits, version,
     last_recorded_at, clock_timestamp() as now
   from locked`,
);

const CLOCK = statement('ledger.clock', 'select clock_timestamp() as now');

const TAKEN_PATHS = statement(
  'ledger.taken-paths',
  `select tenant_id, livemode, path from accounts
   where (tenant_id, livemode, path) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))`,
);

const INSERT_ACCOUNTS = statement(
  'ledger.insert-accounts',
  `insert into accounts (tenant_id, livemode, id, path, asset, overdraft, posted_debits, posted_credits, pending_debits,
     pending_credits, version, metadata, created_at, last_recorded_at)
   select *, $14::timestamptz from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[],
     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::json[], $13::timestamptz[])
   on conflict do nothing`,
);

const INSERT_TRANSFERS = statement(
  'ledger.insert-transfers',
  `insert into transfers (tenant_id, livemode, id, debit_account_id, credit_account_id, amount_minor, asset, payment_id, recorded_at)
   select *, $9::timestamptz from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[], $8::uuid[])`,
);

const UPDATE_ACCOUNTS = statement(
  'ledger.update-accounts',
  `update accounts a set posted_debits = n.posted_debits, posted_credits = n.posted_credits, version = n.version, last_recorded_at = $7::timestamptz
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[])
     as n (tenant_id, livemode, id, posted_debits, posted_credits, version)
   where a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id`,
);

const INSERT_VERDICTS = statement(
  'ledger.insert-verdicts',
  `insert into verdicts (tenant_id, livemode, kind, id, content_hash, command_id, event_id, event_type, event_data)
   select tenant_id, livemode, kind, id, decode(content_hash, 'hex'), command_id, event_id, event_type, event_data
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::text[],
     string_to_array($9, chr(30)))
     as v (tenant_id, livemode, kind, id, content_hash, command_id, event_id, event_type, event_data)
   order by tenant_id, livemode, kind, id
   on conflict do nothing`,
);

interface VerdictRow {
  tenant_id: string;
  livemode: boolean;
  kind: CommandKind;
  id: string;
  content_hash: string;
  command_id: string;
  event_id: string;
  event_type: MessageType;
  event_data: string;
}

interface AccountRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  asset: string;
  overdraft: Account['overdraft'];
  posted_debits: bigint;
  posted_credits: bigint;
  pending_debits: bigint;
  pending_credits: bigint;
  version: bigint;
  last_recorded_at: Date;
  now: Date;
}

/** A command with the keys of its rows, converted once. */
export interface KeyedCommand {
  readonly command: LedgerCommand;
  /** What its verdict is found under. */
  readonly key: string;
  readonly tenant: string;
  readonly kind: CommandKind;
  readonly uuid: string;
  /** SHA-256 of what the command means, hexadecimal. */
  readonly contentHash: string;
}

export function keyed(command: LedgerCommand): KeyedCommand {
  const kind = command.type === 'payflow.account.open.v1' ? 'account' : 'transfer';
  const tenant = uuidOf('tenant', command.tenant);
  const uuid = uuidOf(kind, command.data.id);
  const key = `${kind}/${tenant}/${command.livemode}/${uuid}`;
  return { command, key, tenant, kind, uuid, contentHash: contentHash(command) };
}

/** Verdicts given before on any of the commands, by their key. */
export async function findVerdicts(
  tx: Transaction,
  commands: readonly KeyedCommand[],
): Promise<Map<string, KnownVerdict>> {
  const rows = await tx.rows<VerdictRow>(FIND_VERDICTS, keyColumns(commands));
  return new Map(
    rows.map((row) => [
      `${row.kind}/${row.tenant_id}/${row.livemode}/${row.id}`,
      {
        contentHash: row.content_hash,
        commandId: fromUuid('event', row.command_id),
        eventId: fromUuid('event', row.event_id),
        verdict: { type: row.event_type, data: JSON.parse(row.event_data) as unknown } as Verdict,
      },
    ]),
  );
}

interface AccountKey {
  readonly scoped: string;
  readonly id: string;
  readonly tenant: string;
  readonly livemode: boolean;
  readonly uuid: string;
}

/** Accounts under lock, by scoped id, with the keys of their rows and the ledger's clock as it stood after the locks. */
export interface LockedAccounts {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly keys: ReadonlyMap<string, AccountKey>;
  readonly now: Date;
}

/** Locks the accounts that the commands name and reads the clock after it. The clock never goes back on an account. */
export async function lockAccounts(tx: Transaction, commands: readonly KeyedCommand[]): Promise<LockedAccounts> {
  const keys = accountKeys(commands);
  const wanted = [...keys.values()];
  const rows = await tx.rows<AccountRow>(LOCK_ACCOUNTS, [
    wanted.map((k) => k.tenant),
    wanted.map((k) => k.livemode),
    wanted.map((k) => k.uuid),
  ]);
  const latest = rows.at(-1)?.now ?? (await tx.rows<{ now: Date }>(CLOCK))[0]?.now ?? new Date(0);
  const now = rows.reduce((last, row) => (row.last_recorded_at > last ? row.last_recorded_at : last), latest);
  const byRow = new Map(wanted.map((key) => [`${key.tenant}/${key.livemode}/${key.uuid}`, key]));
  const accounts = rows.map((row): [string, Account] => {
    const key = byRow.get(`${row.tenant_id}/${row.livemode}/${row.id}`) as AccountKey;
    return [key.scoped, toAccount(key.id, row)];
  });
  return { accounts: new Map(accounts), keys, now };
}

function accountKeys(commands: readonly KeyedCommand[]): Map<string, AccountKey> {
  const keys = new Map<string, AccountKey>();
  for (const { command, tenant } of commands) {
    const ids =
      command.type === 'payflow.transfer.post.v1'
        ? [command.data.debit_account, command.data.credit_account]
        : [command.data.id];
    for (const id of ids) {
      const key = scoped(command, id);
      if (!keys.has(key))
        keys.set(key, { scoped: key, id, tenant, livemode: command.livemode, uuid: uuidOf('account', id) });
    }
  }
  return keys;
}

/** Which of the paths that the commands ask for are taken, by scoped path. */
export async function takenPaths(tx: Transaction, commands: readonly KeyedCommand[]): Promise<Set<string>> {
  const wanted = commands.flatMap(({ command, tenant }) =>
    command.type === 'payflow.account.open.v1' && command.data.path !== null
      ? [{ tenant, livemode: command.livemode, path: command.data.path }]
      : [],
  );
  if (wanted.length === 0) return new Set();
  const rows = await tx.rows<{ tenant_id: string; livemode: boolean; path: string }>(TAKEN_PATHS, [
    wanted.map((w) => w.tenant),
    wanted.map((w) => w.livemode),
    wanted.map((w) => w.path),
  ]);
  return new Set(
    rows.map((row) => scoped({ tenant: fromUuid('tenant', row.tenant_id), livemode: row.livemode }, row.path)),
  );
}

/** A decided batch, to be saved whole. */
export interface DecidedBatch {
  readonly answers: readonly Answer[];
  readonly opened: ReadonlyMap<string, Account>;
  readonly changed: ReadonlyMap<string, Account>;
  readonly keys: ReadonlyMap<string, AccountKey>;
  readonly now: Date;
}

/**
 * Saves a decided batch: new accounts, transfers, one netted row per changed account, and every verdict. All statements
 * are pipelined. A verdict or account that another partition wrote first makes the whole batch run again.
 */
export async function saveBatch(tx: Transaction, batch: DecidedBatch): Promise<void> {
  const opens = batch.answers.filter(({ verdict }) => verdict.type === 'payflow.account.opened.v1');
  const posted = batch.answers.filter(({ verdict }) => verdict.type === 'payflow.transfer.posted.v1');
  const [accounts, , , verdicts] = await Promise.all([
    opens.length > 0 ? tx.count(INSERT_ACCOUNTS, accountColumns(opens, batch)) : 0,
    posted.length > 0 ? tx.count(INSERT_TRANSFERS, transferColumns(posted, batch)) : 0,
    batch.changed.size > 0 ? tx.count(UPDATE_ACCOUNTS, changeColumns(batch)) : 0,
    tx.count(INSERT_VERDICTS, verdictColumns(batch.answers)),
  ]);
  if (accounts < opens.length || verdicts < batch.answers.length)
    throw new RunAgain('another partition met the same id or path first');
}

function transferColumns(posted: readonly Answer[], { keys, now }: DecidedBatch): unknown[] {
  const rows = posted.map(({ keyed: { command, tenant, uuid } }) => ({
    command,
    tenant,
    uuid,
    data: command.data as TransferPost,
  }));
  const account = (command: LedgerCommand, id: string) => keys.get(scoped(command, id))?.uuid ?? null;
  return [
    rows.map((row) => row.tenant),
    rows.map((row) => row.command.livemode),
    rows.map((row) => row.uuid),
    rows.map((row) => account(row.command, row.data.debit_account)),
    rows.map((row) => account(row.command, row.data.credit_account)),
    rows.map((row) => row.data.amount),
    rows.map((row) => row.data.asset),
    rows.map((row) => (row.data.payment === null ? null : uuidOf('payment', row.data.payment))),
    now,
  ];
}

function accountColumns(opens: readonly Answer[], { opened, now }: DecidedBatch): unknown[] {
  const rows = opens.map(({ keyed: { command, tenant, uuid } }) => {
    const data = command.data as AccountOpen;
    return { tenant, uuid, livemode: command.livemode, data, account: opened.get(scoped(command, data.id)) as Account };
  });
  return [
    rows.map((row) => row.tenant),
    rows.map((row) => row.livemode),
    rows.map((row) => row.uuid),
    rows.map((row) => row.data.path),
    rows.map((row) => row.data.asset),
    rows.map((row) => row.data.overdraft),
    rows.map((row) => row.account.postedDebits),
    rows.map((row) => row.account.postedCredits),
    rows.map((row) => row.account.pendingDebits),
    rows.map((row) => row.account.pendingCredits),
    rows.map((row) => row.account.version),
    rows.map((row) => JSON.stringify(row.data.metadata)),
    rows.map((row) => row.data.created_at),
    now,
  ];
}

function changeColumns({ changed, keys, now }: DecidedBatch): unknown[] {
  const rows = [...changed].map(([key, account]) => ({ account, key: keys.get(key) as AccountKey }));
  return [
    rows.map(({ key }) => key.tenant),
    rows.map(({ key }) => key.livemode),
    rows.map(({ key }) => key.uuid),
    rows.map(({ account }) => account.postedDebits),
    rows.map(({ account }) => account.postedCredits),
    rows.map(({ account }) => account.version),
    now,
  ];
}

function verdictColumns(answers: readonly Answer[]): unknown[] {
  return [
    ...keyColumns(answers.map((given) => given.keyed)),
    answers.map((given) => given.keyed.contentHash),
    answers.map((given) => uuidOf('event', given.keyed.command.id)),
    answers.map((given) => uuidOf('event', given.eventId)),
    answers.map((given) => given.verdict.type),
    joinJson(answers.map((given) => given.json)),
  ];
}

function keyColumns(commands: readonly KeyedCommand[]): unknown[] {
  return [
    commands.map((k) => k.tenant),
    commands.map((k) => k.command.livemode),
    commands.map((k) => k.kind),
    commands.map((k) => k.uuid),
  ];
}

function toAccount(id: string, row: AccountRow): Account {
  return {
    id,
    asset: row.asset,
    overdraft: row.overdraft,
    postedDebits: row.posted_debits,
    postedCredits: row.posted_credits,
    pendingDebits: row.pending_debits,
    pendingCredits: row.pending_credits,
    version: Number(row.version),
  };
}

/** A fresh answer, its event id made here once so that a re-run transaction publishes under a new one only if it never committed. */
export function answer(keyed: KeyedCommand, verdict: Verdict): Answer {
  return { keyed, verdict, json: JSON.stringify(verdict.data), eventId: newId('event') };
}
