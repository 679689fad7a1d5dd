import { bigintArray, statement, uuidArray, type Transaction } from '@payflow/database';
import type { Account } from '../domain/account.js';
import type { AccountKey } from './account.repository.js';
import type { ChainHead } from './chain.js';
import type { Writer } from './remembered-accounts.js';

const ROWS = `unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::xid8[], $5::bigint[], $6::bigint[], $7::bigint[],
  $8::bigint[])
  as n (tenant_id, livemode, id, writer, was_version, posted_debits, posted_credits, version)`;

// A transaction writes each account once: the same writer, the same row. A process from before rows named their writer, while it
// is being replaced, counts the version up all the same.
const AS_REMEMBERED = `a.tenant_id = n.tenant_id and a.livemode = n.livemode and a.id = n.id and a.xact_id = n.writer
  and a.version = n.was_version`;

// Where others told of accounts, nothing is taken on trust: a row must be all that the decision looked at.
const ROWS_TOLD = `unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::xid8[], $5::bigint[], $6::bigint[], $7::bigint[],
  $8::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::text[], $16::bigint[])
  as n (tenant_id, livemode, id, writer, was_version, posted_debits, posted_credits, version, was_debits, was_credits,
    held_debits, held_credits, state, overdraft, overdraft_limit)`;

const AS_TOLD = `${AS_REMEMBERED} and a.posted_debits = n.was_debits and a.posted_credits = n.was_credits
  and a.pending_debits = n.held_debits and a.pending_credits = n.held_credits and a.state = n.state
  and a.overdraft = n.overdraft and a.overdraft_limit_minor = n.overdraft_limit and a.last_recorded_at <= $9::timestamptz`;

const CHANGED = `posted_debits = n.posted_debits, posted_credits = n.posted_credits, version = n.version,
  last_recorded_at = $9::timestamptz, xact_id = pg_current_xact_id()`;

// The head of the chain, held against what the batch's links build on. It is locked before the accounts, as by every batch, for
// they ask whether it has moved; where it has not, none of them is as it was remembered either.
const MOVED = (first: number) => `moved as (
     update chains set position = $${first + 1}, hash = decode($${first + 2}, 'hex')
     where chain = $${first} and position = $${first + 3} and hash = decode($${first + 4}, 'hex') returning 1)`;
const HAS_MOVED = '(select count(*) from moved) = 1';

// Rows come in id order and are locked in it.
const ALL = (rows: string, as: string, head: number) =>
  `with ${MOVED(head)},
   changed as (update accounts a set ${CHANGED} from ${rows} where ${HAS_MOVED} and ${as} returning 1)
   select all_as_remembered(count(*), cardinality($1::uuid[])) from changed`;

// Accounts that were looked at and not changed, by a refusal or a condition, must be as remembered too at this moment.
const SOME = (rows: string, as: string, { moved, hasMoved }: { moved: string; hasMoved: string }) =>
  `with ${moved} n as materialized (select * from ${rows}),
   held as materialized (
     select 1 from n join accounts a on ${as} ${hasMoved}
     order by a.tenant_id, a.livemode, a.id for no key update of a),
   changed as (
     update accounts a set ${CHANGED} from n
     where n.version <> n.was_version and (select count(*) from held) = cardinality($1::uuid[]) and ${as})
   select all_as_remembered(count(*), cardinality($1::uuid[])) from held`;

/** `head`: the place of the first of the head's parameters. */
const writesOf = (kind: string, rows: string, as: string, head: number) => ({
  all: statement(`ledger.write-${kind}`, ALL(rows, as, head)),
  some: statement(
    `ledger.write-some-${kind}`,
    SOME(rows, as, { moved: `${MOVED(head)},`, hasMoved: `where ${HAS_MOVED}` }),
  ),
  // Where every command was refused, the chain stays where it is.
  none: statement(`ledger.check-${kind}`, SOME(rows, as, { moved: '', hasMoved: '' })),
});

const REMEMBERED = writesOf('remembered', ROWS, AS_REMEMBERED, 10);
const TOLD = writesOf('told', ROWS_TOLD, AS_TOLD, 17);

/** An account as a batch took it, and as it leaves it. */
export interface RecalledRow {
  readonly key: AccountKey;
  readonly writer: Writer;
  readonly was: Account;
  readonly is: Account;
}

/** How a batch moves its chain. */
export interface Move {
  readonly chain: number;
  readonly from: ChainHead;
  readonly to: ChainHead;
}

interface RecalledBatch {
  /** In id order. */
  readonly rows: readonly RecalledRow[];
  readonly hasChangedAll: boolean;
  readonly move: Move;
  readonly now: Date;
}

/**
 * Writes accounts and the head of the chain together with COMMIT, which fails where one of them is not as it was
 * remembered.
 */
export function writeAtCommit(
  tx: Transaction,
  { rows, hasChangedAll, move, now }: RecalledBatch,
  explain: (error: unknown) => unknown,
): void {
  if (rows.length === 0) return;
  const areTold = rows.some(({ writer }) => writer.isTold);
  const hasMoved = move.from !== move.to;
  const { all, some, none } = areTold ? TOLD : REMEMBERED;
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
    ...(areTold ? toldColumns(rows) : []),
    ...(hasMoved ? headColumns(move) : []),
  ];
  tx.atCommit(hasMoved ? (hasChangedAll ? all : some) : none, values, undefined, explain);
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

function headColumns({ chain, from, to }: Move): unknown[] {
  return [chain, to.position, to.hash, from.position, from.hash];
}
