import { statement, uuidArray, type Transaction } from '@payflow/database';
import type { AccountKey, AccountRow } from './account.repository.js';
import { OWN_LOCK } from './batch-lock.js';
import type { ChainHead } from './chain.js';

const BEGIN = (told: string) =>
  `select pg_current_xact_id()::text as xact, date_part('epoch', clock_timestamp()) * 1000 as now_ms${told}`;

// Where all is remembered that the batch names, the head of its chain among it.
const ON_KNOWN = statement('ledger.begin', BEGIN(''));
const ON_KNOWN_TOLD = statement('ledger.begin-told', BEGIN(`, ${OWN_LOCK}`));

const ACCOUNTS = `
  select n.nth::integer as nth, a.asset, a.kind, a.state, a.overdraft, a.overdraft_limit_minor, a.posted_debits, a.posted_credits,
    a.pending_debits, a.pending_credits, a.version, a.xact_id::text as xact_id, date_part('epoch', a.last_recorded_at) * 1000 as at_ms
  from unnest($1::uuid[], $2::boolean[], $3::uuid[]) with ordinality as n (tenant_id, livemode, id, nth)
  join accounts a on a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id`;

// What the batch begins with comes with the first row, as with the locks.
const BEGIN_AND_READ = (told: string) => `
  with begun as materialized (
    select json_build_array(pg_current_xact_id()::text, date_part('epoch', clock_timestamp()) * 1000, c.position::text,
      encode(c.hash, 'hex')${told}) as begun
    from (select $4::integer as chain) as asked left join chains c on c.chain = asked.chain)
  select case when row_number() over () = 1 then begun.begun end as begun, found.*
  from begun left join (${ACCOUNTS}) as found on true`;

const ON_UNKNOWN = statement('ledger.begin-unknown', BEGIN_AND_READ(''));
const ON_UNKNOWN_TOLD = statement('ledger.begin-unknown-told', BEGIN_AND_READ(`, ${OWN_LOCK}`));

const READ = statement('ledger.recall-accounts', ACCOUNTS);

/** An account as it stands committed, and the transaction that left it so. */
export type ReadRow = AccountRow & { readonly at_ms: number; readonly xact_id: string };

/** What begins a batch that is decided from memory. */
export interface Beginning {
  /** Its transaction's id, as it comes to stand in the rows it writes. */
  readonly xact: string;
  /** The ledger's clock, milliseconds since 1970. */
  readonly now_ms: number;
  /** The head of the chain as it stands committed, where it was asked for. */
  readonly head: ChainHead | undefined;
  readonly rows: readonly ReadRow[];
}

/** What the batch does not remember. */
export interface Unknown {
  readonly accounts: readonly AccountKey[];
  /** Where its head is not remembered. */
  readonly chain: number | undefined;
}

/** Begins the batch, and reads what it does not remember. `isTold`: others are going to be told what it leaves. */
export async function beginBatch(
  tx: Transaction,
  { accounts, chain }: Unknown,
  { isTold }: { readonly isTold: boolean },
): Promise<Beginning> {
  if (accounts.length === 0 && chain === undefined) {
    const [begun] = await tx.rows<{ xact: string; now_ms: number }>(isTold ? ON_KNOWN_TOLD : ON_KNOWN);
    return { xact: begun?.xact ?? '0', now_ms: begun?.now_ms ?? 0, head: undefined, rows: [] };
  }
  const rows = await tx.rows<ReadRow & BegunRow>(isTold ? ON_UNKNOWN_TOLD : ON_UNKNOWN, [
    ...accountColumns(accounts),
    chain ?? null,
  ]);
  const [xact = '0', now_ms = 0, position, hash] = rows[0]?.begun ?? [];
  if (chain !== undefined && !(position && hash)) throw new TypeError('a chain has no head');
  const head = position && hash ? { position: BigInt(position), hash } : undefined;
  // Where none is found, or none was asked for, a row without a number carries the beginning.
  return { xact, now_ms, head, rows: rows.filter(({ nth }) => nth > 0) };
}

interface BegunRow {
  readonly begun: readonly [xact: string, now_ms: number, position: string | null, hash: string | null] | null;
}

/** The accounts as they stand committed by now: for a batch that has begun. */
export async function readAccounts(tx: Transaction, keys: readonly AccountKey[]): Promise<ReadRow[]> {
  return keys.length === 0 ? [] : tx.rows<ReadRow>(READ, accountColumns(keys));
}

/** The three parameters that name accounts, as {@link AccountKey} has them. */
export function accountColumns(keys: readonly AccountKey[]): unknown[] {
  return [
    uuidArray(keys.map((key) => key.tenant)),
    keys.map((key) => key.livemode),
    uuidArray(keys.map((key) => key.uuid)),
  ];
}
