import { fromUuid, newId, uuidOf, type MessageData, type MessageType } from '@payflow/contracts';
import { RunAgain, statement, type Transaction } from '@payflow/database';
import type { Account } from '../domain/account.js';
import { scoped, type LedgerCommand, type Verdict } from '../domain/book.js';
import { contentHash } from './content-hash.js';

/** The ledger's answer to one command, with the id of the event that carries it. */
export interface Answer {
  readonly command: LedgerCommand;
  readonly verdict: Verdict;
  readonly eventId: string;
}

/** A verdict that was given before. */
export interface KnownVerdict {
  readonly contentHash: Buffer;
  readonly commandId: string;
  readonly eventId: string;
  readonly verdict: Verdict;
}

type CommandKind = 'account' | 'transfer';

const FIND_VERDICTS = statement(
  'ledger.find-verdicts',
  `select v.tenant_id, v.livemode, v.kind, v.id, v.content_hash, v.command_id, v.event_id, v.event_type, v.event_data
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
   select * from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5::bytea[], $6::uuid[], $7::uuid[], $8::text[], $9::json[])
   order by 1, 2, 3, 4
   on conflict do nothing`,
);

interface VerdictRow {
  tenant_id: string;
  livemode: boolean;
  kind: CommandKind;
  id: string;
  content_hash: Buffer;
  command_id: string;
  event_id: string;
  event_type: MessageType;
  event_data: MessageData[MessageType];
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

/** Verdicts given before on any of the commands, by {@link commandKey}. */
export async function findVerdicts(tx: Transaction, commands: readonly LedgerCommand[]): Promise<Map<string, KnownVerdict>> {
  const keys = commands.map(keyColumns);
  const rows = await tx.rows<VerdictRow>(FIND_VERDICTS, [keys.map((k) => k.tenant), keys.map((k) => k.livemode), keys.map((k) => k.kind), keys.map((k) => k.id)]);
  return new Map(
    rows.map((row) => [
      `${row.kind}/${row.tenant_id}/${row.livemode}/${row.id}`,
      {
        contentHash: row.content_hash,
        commandId: fromUuid('event', row.command_id),
        eventId: fromUuid('event', row.event_id),
        verdict: { type: row.event_type, data: row.event_data } as Verdict,
      },
    ]),
  );
}

export function commandKey(command: LedgerCommand): string {
  const { kind, tenant, livemode, id } = keyColumns(command);
  return `${kind}/${tenant}/${livemode}/${id}`;
}

/** Locks the accounts that the commands name and reads the clock after it. The clock never goes back on an account. */
export async function lockAccounts(tx: Transaction, commands: readonly LedgerCommand[]): Promise<{ accounts: Map<string, Account>; now: Date }> {
  const wanted = new Map<string, { tenant: string; livemode: boolean; id: string }>();
  for (const command of commands) {
    const ids = command.type === 'payflow.transfer.post.v1' ? [command.data.debit_account, command.data.credit_account] : [command.data.id];
    for (const id of ids) wanted.set(scoped(command, id), { tenant: uuidOf('tenant', command.tenant), livemode: command.livemode, id: uuidOf('account', id) });
  }
  const keys = [...wanted.values()];
  const rows = await tx.rows<AccountRow>(LOCK_ACCOUNTS, [keys.map((k) => k.tenant), keys.map((k) => k.livemode), keys.map((k) => k.id)]);
  const latest = rows.at(-1)?.now ?? (await tx.rows<{ now: Date }>(CLOCK))[0]?.now ?? new Date(0);
  const now = new Date(Math.max(latest.getTime(), ...rows.map((row) => row.last_recorded_at.getTime())));
  return { accounts: new Map(rows.map((row) => [accountKey(row), toAccount(row)])), now };
}

/** Which of the paths that the commands ask for are taken, by scoped path. */
export async function takenPaths(tx: Transaction, commands: readonly LedgerCommand[]): Promise<Set<string>> {
  const wanted = commands.flatMap((command) =>
    command.type === 'payflow.account.open.v1' && command.data.path !== null
      ? [{ tenant: uuidOf('tenant', command.tenant), livemode: command.livemode, path: command.data.path }]
      : [],
  );
  if (wanted.length === 0) return new Set();
  const rows = await tx.rows<{ tenant_id: string; livemode: boolean; path: string }>(TAKEN_PATHS, [wanted.map((w) => w.tenant), wanted.map((w) => w.livemode), wanted.map((w) => w.path)]);
  return new Set(rows.map((row) => scoped({ tenant: fromUuid('tenant', row.tenant_id), livemode: row.livemode }, row.path)));
}

/**
 * Saves a decided batch: new accounts, transfers, one netted row per changed account, and every verdict. All statements
 * are pipelined. A verdict or account that another partition wrote first makes the whole batch run again.
 */
export async function saveBatch(
  tx: Transaction,
  batch: { readonly answers: readonly Answer[]; readonly opened: ReadonlyMap<string, Account>; readonly changed: ReadonlyMap<string, Account>; readonly now: Date },
): Promise<void> {
  const { answers, opened, changed, now } = batch;
  const opens = answers.filter(({ verdict }) => verdict.type === 'payflow.account.opened.v1');
  const [accounts, , , verdicts] = await Promise.all([
    opens.length > 0 ? tx.count(INSERT_ACCOUNTS, accountColumns(opens, opened, now)) : 0,
    insertTransfers(tx, answers, now),
    changed.size > 0 ? tx.count(UPDATE_ACCOUNTS, changeColumns(changed, answers, now)) : 0,
    tx.count(INSERT_VERDICTS, verdictColumns(answers)),
  ]);
  if (accounts < opens.length || verdicts < answers.length) throw new RunAgain('another partition met the same id or path first');
}

async function insertTransfers(tx: Transaction, answers: readonly Answer[], now: Date): Promise<number> {
  const posted = answers.flatMap(({ command, verdict }) =>
    verdict.type === 'payflow.transfer.posted.v1' ? [{ command, data: verdict.data }] : [],
  );
  if (posted.length === 0) return 0;
  return tx.count(INSERT_TRANSFERS, [
    posted.map(({ command }) => uuidOf('tenant', command.tenant)),
    posted.map(({ command }) => command.livemode),
    posted.map(({ data }) => uuidOf('transfer', data.id)),
    posted.map(({ data }) => uuidOf('account', data.debit_account.id)),
    posted.map(({ data }) => uuidOf('account', data.credit_account.id)),
    posted.map(({ data }) => data.amount),
    posted.map(({ data }) => data.asset),
    posted.map(({ data }) => (data.payment === null ? null : uuidOf('payment', data.payment))),
    now,
  ]);
}

function accountColumns(opens: readonly Answer[], opened: ReadonlyMap<string, Account>, now: Date): unknown[] {
  const rows = opens.flatMap(({ command }) => {
    const account = opened.get(scoped(command, command.data.id));
    return command.type === 'payflow.account.open.v1' && account ? [{ command, data: command.data, account }] : [];
  });
  return [
    rows.map(({ command }) => uuidOf('tenant', command.tenant)),
    rows.map(({ command }) => command.livemode),
    rows.map(({ data }) => uuidOf('account', data.id)),
    rows.map(({ data }) => data.path),
    rows.map(({ data }) => data.asset),
    rows.map(({ data }) => data.overdraft),
    rows.map(({ account }) => account.postedDebits),
    rows.map(({ account }) => account.postedCredits),
    rows.map(({ account }) => account.pendingDebits),
    rows.map(({ account }) => account.pendingCredits),
    rows.map(({ account }) => account.version),
    rows.map(({ data }) => JSON.stringify(data.metadata)),
    rows.map(({ data }) => data.created_at),
    now,
  ];
}

function changeColumns(changed: ReadonlyMap<string, Account>, answers: readonly Answer[], now: Date): unknown[] {
  const owners = new Map<string, LedgerCommand>();
  for (const { command } of answers) {
    if (command.type !== 'payflow.transfer.post.v1') continue;
    owners.set(scoped(command, command.data.debit_account), command);
    owners.set(scoped(command, command.data.credit_account), command);
  }
  const rows = [...changed].map(([key, account]) => ({ account, owner: owners.get(key) as LedgerCommand }));
  return [
    rows.map(({ owner }) => uuidOf('tenant', owner.tenant)),
    rows.map(({ owner }) => owner.livemode),
    rows.map(({ account }) => uuidOf('account', account.id)),
    rows.map(({ account }) => account.postedDebits),
    rows.map(({ account }) => account.postedCredits),
    rows.map(({ account }) => account.version),
    now,
  ];
}

function verdictColumns(answers: readonly Answer[]): unknown[] {
  const keys = answers.map(({ command }) => keyColumns(command));
  return [
    keys.map((k) => k.tenant),
    keys.map((k) => k.livemode),
    keys.map((k) => k.kind),
    keys.map((k) => k.id),
    answers.map(({ command }) => contentHash(command)),
    answers.map(({ command }) => uuidOf('event', command.id)),
    answers.map(({ eventId }) => uuidOf('event', eventId)),
    answers.map(({ verdict }) => verdict.type),
    answers.map(({ verdict }) => JSON.stringify(verdict.data)),
  ];
}

function keyColumns(command: LedgerCommand): { tenant: string; livemode: boolean; kind: CommandKind; id: string } {
  const kind = command.type === 'payflow.account.open.v1' ? 'account' : 'transfer';
  return { tenant: uuidOf('tenant', command.tenant), livemode: command.livemode, kind, id: uuidOf(kind, command.data.id) };
}

function accountKey(row: AccountRow): string {
  return scoped({ tenant: fromUuid('tenant', row.tenant_id), livemode: row.livemode }, fromUuid('account', row.id));
}

function toAccount(row: AccountRow): Account {
  return {
    id: fromUuid('account', row.id),
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
export function answer(command: LedgerCommand, verdict: Verdict): Answer {
  return { command, verdict, eventId: newId('event') };
}
