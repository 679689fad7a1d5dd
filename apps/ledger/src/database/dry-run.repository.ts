import { uuidOf, type GroupPost } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { EMPTY_BOOKS, scoped, type LoadedBooks, type Owner } from '../domain/book.js';
import { needsDetails, toAccount, toDetails, type AccountRow, type DetailsRow } from './account.repository.js';
import { loadAside } from './aside.repository.js';
import { idText, transferKey, type KeyedCommand } from './command-key.js';
import { findVerdicts } from './verdict.repository.js';

/** What a group would be decided on, as of one moment and without a lock. */
export interface BooksToTry {
  readonly loaded: LoadedBooks;
  /** True when the id of the group itself is in use. */
  readonly isKnown: boolean;
  readonly now: Date;
}

// One snapshot for all that is read, and the server's own word that nothing is written.
const READ_ONLY = statement('ledger.read-only', 'set transaction isolation level repeatable read read only');

// The clock never goes back on an account, in what is tried as in what is done.
const READ_ACCOUNTS = statement(
  'ledger.read-accounts',
  `select n.nth::integer, a.asset, a.kind, a.state, a.overdraft, a.overdraft_limit_minor, a.posted_debits, a.posted_credits,
     a.pending_debits, a.pending_credits, a.version, case when $4 then json_build_array(a.path, a.metadata, a.created_at) end as details,
     greatest(a.last_recorded_at, clock_timestamp()) as now
   from unnest($3::uuid[]) with ordinality as n (id, nth)
   join accounts a on a.tenant_id = $1 and a.livemode = $2 and a.id = n.id`,
);

interface TriedRow extends AccountRow, DetailsRow {
  now: Date;
}

/** Loads all that a group touches, in a transaction that must not have done anything yet. */
export async function readBooks(tx: Transaction, owner: Owner, group: KeyedCommand): Promise<BooksToTry> {
  const data = group.command.data as GroupPost;
  const legs = data.legs.map(({ id }) => ({ id, key: transferKey(group, id) }));
  const ids = [...new Set([...data.legs.flatMap(accountsOf), ...data.conditions.map(({ account }) => account)])];
  const uuids = ids.map((id) => uuidOf('account', id));
  const [, known, rows, aside] = await Promise.all([
    tx.rows(READ_ONLY),
    findVerdicts(tx, [group, ...legs.map(({ key }) => key)]),
    tx.rows<TriedRow>(READ_ACCOUNTS, [group.tenant, owner.livemode, uuids, needsDetails(group)]),
    loadAside(tx, [group]),
  ]);
  const keyOf = ({ nth }: TriedRow) => scoped(owner, ids[nth - 1] as string);
  const used = legs.filter(({ key }) => known.has(idText(key)));
  return {
    loaded: {
      ...EMPTY_BOOKS,
      ...aside,
      accounts: new Map(rows.map((row) => [keyOf(row), toAccount(ids[row.nth - 1] as string, row)])),
      details: new Map(rows.flatMap((row) => (row.details ? [[keyOf(row), toDetails(row.details)] as const] : []))),
      usedTransferIds: new Set(used.map(({ id }) => scoped(owner, id))),
    },
    isKnown: known.has(group.key),
    now: rows.reduce((latest, { now }) => (now > latest ? now : latest), new Date(rows.length > 0 ? 0 : Date.now())),
  };
}

function accountsOf({ debit_account, credit_account }: GroupPost['legs'][number]): string[] {
  return [debit_account, credit_account];
}
