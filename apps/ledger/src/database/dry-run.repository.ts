import { statement, type Transaction } from '@payflow/database';
import { EMPTY_BOOKS, type AccountDetails, type LoadedBooks } from '../domain/book.js';
import {
  accountKeys,
  needsDetails,
  toAccount,
  toDetails,
  type AccountKey,
  type DetailsRow,
} from './account.repository.js';
import { loadAside } from './aside.repository.js';
import { accountColumns, readAccounts } from './beginning.repository.js';
import { readClock } from './chain-head.repository.js';
import type { KeyedCommand } from './command-key.js';
import { knownTransfers, transfersNamed } from './known-transfers.js';
import { findVerdicts } from './verdict.repository.js';

/** What a command would be decided on, as of one moment and without a lock. */
export interface BooksToTry {
  readonly loaded: LoadedBooks;
  /** True when the id of what it makes is in use. */
  readonly isKnown: boolean;
  /** When it would be recorded: by the clock, but before no change of its accounts. */
  readonly now: Date;
  readonly clock: Date;
}

// One snapshot for all that is read, and the server's own word that nothing is written.
const READ_ONLY = statement('ledger.read-only', 'set transaction isolation level repeatable read read only');

const READ_DETAILS = statement(
  'ledger.read-account-details',
  `select n.nth::integer as nth, json_build_array(a.path, a.metadata, a.created_at) as details
   from unnest($1::uuid[], $2::boolean[], $3::uuid[]) with ordinality as n (tenant_id, livemode, id, nth)
   join accounts a on a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id`,
);

/** Loads all that a command touches, in a transaction that must not have done anything yet. */
export async function readBooks(tx: Transaction, command: KeyedCommand): Promise<BooksToTry> {
  const keys = [...accountKeys([command]).values()];
  const keyOf = ({ nth }: { readonly nth: number }) => keys[nth - 1] as AccountKey;
  const [, known, rows, details, { reversed, ...aside }, clock] = await Promise.all([
    tx.rows(READ_ONLY),
    findVerdicts(tx, [command, ...transfersNamed(command)]),
    readAccounts(tx, keys),
    needsDetails(command) ? tx.rows<DetailsRow & { nth: number }>(READ_DETAILS, accountColumns(keys)) : [],
    loadAside(tx, [command]),
    readClock(tx),
  ]);
  return {
    loaded: {
      ...EMPTY_BOOKS,
      ...aside,
      accounts: new Map(rows.map((row) => [keyOf(row).scoped, toAccount(keyOf(row).id, row)])),
      details: new Map(
        details.flatMap((row): [string, AccountDetails][] =>
          row.details ? [[keyOf(row).scoped, toDetails(row.details)]] : [],
        ),
      ),
      ...knownTransfers([command], known, { booked: aside.booked, reversed }),
    },
    isKnown: known.has(command.key),
    now: new Date(rows.reduce((latest, { at_ms }) => Math.max(latest, at_ms), clock.getTime())),
    clock,
  };
}
