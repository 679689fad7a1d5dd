import { uuidOf, type ChainEnd, type LedgerSealed } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { Frontier, Hash } from '../proof/merkle.js';
import type { SigningKey } from '../proof/signing-key.js';

// One sealer at a time, whoever gets there first; the others have nothing to do.
const TRY_LOCK = statement(
  'seals.try-lock',
  `select pg_try_advisory_xact_lock(hashtext('payflow/ledger/seal')) as locked`,
);

const NEWEST = statement('seals.newest', 'select coalesce(max(seal), 0)::integer as seal from seals');

const LAST = statement(
  'seals.last',
  `select seal::integer as seal, to_xact::text as to_xact, head, frontier from seals order by seal desc limit 1`,
);

/**
 * What one seal sums up at most, in whole transactions: 50 ms of hashing, in which nothing is posted, here and for each proof out
 * of the seal. What more there is goes into the next ones at once.
 */
const TRANSFERS_MAX = 20_000;

/** Transactions below it have all ended: nothing can be added to what they wrote. One that is larger than a seal has its own. */
const HORIZON = statement(
  'seals.horizon',
  `select least(pg_snapshot_xmin(pg_current_snapshot()), case when past.xact_id > first.xact_id then past.xact_id else
     (select n.xact_id from transfers n where n.xact_id > past.xact_id order by n.xact_id limit 1) end)::text as horizon
   from (values ($1::xid8)) as since (xact_id)
   left join lateral (select xact_id from transfers where xact_id >= since.xact_id order by xact_id limit 1) as first on true
   left join lateral (
     select xact_id from transfers where xact_id >= since.xact_id order by xact_id offset ${TRANSFERS_MAX} limit 1) as past on true`,
);

const LINKS = statement(
  'seals.links',
  `select chain, chain_position::float8 as position, encode(chain_hash, 'hex') as hash from transfers
   where xact_id >= $1::xid8 and xact_id < $2::xid8 order by chain, chain_position`,
);

const INSERT_KEY = statement(
  'seals.insert-key',
  'insert into signing_keys (id, public_key) values ($1, $2) on conflict do nothing',
);

const INSERT = statement(
  'seals.insert',
  `insert into seals (seal, from_xact, to_xact, event_id, head, root, frontier, key_id)
   values ($1, $2::xid8, $3::xid8, $4, $5, decode($6, 'hex'), $7, $8)`,
);

/** The newest seal, or what stands before the first. */
export interface LastSeal {
  readonly seal: number;
  readonly toXact: string;
  readonly chains: readonly ChainEnd[];
  readonly frontier: Frontier;
}

/** Where a new seal begins. Undefined while another process is sealing. */
export async function beginSeal(tx: Transaction): Promise<LastSeal | undefined> {
  const [lock] = await tx.rows<{ locked: boolean }>(TRY_LOCK);
  if (!lock?.locked) return undefined;
  const [last] = await tx.rows<{ seal: number; to_xact: string; head: LedgerSealed; frontier: Hash[] }>(LAST);
  if (!last) return { seal: 0, toXact: '0', chains: [], frontier: { size: 0, roots: [] } };
  const { seal, to_xact: toXact, head, frontier: roots } = last;
  return { seal, toXact, chains: head.chains, frontier: { size: seal, roots } };
}

/** The number of the newest seal, whoever made it; 0 before the first. */
export async function newestSeal(tx: Transaction): Promise<number> {
  const [row] = await tx.rows<{ seal: number }>(NEWEST);
  return row?.seal ?? 0;
}

/** The links of all transactions from `fromXact` on that have ended for certain, in order, and where those transactions end. */
export async function linksSince(
  tx: Transaction,
  fromXact: string,
): Promise<{ readonly links: readonly ChainEnd[]; readonly toXact: string }> {
  const [row] = await tx.rows<{ horizon: string }>(HORIZON, [fromXact]);
  const toXact = row?.horizon ?? fromXact;
  return { links: await tx.rows<ChainEnd & Record<string, unknown>>(LINKS, [fromXact, toXact]), toXact };
}

export interface NewSeal {
  readonly head: LedgerSealed;
  readonly fromXact: string;
  readonly toXact: string;
  readonly frontier: Frontier;
  readonly eventId: string;
}

export async function insertSeal(
  tx: Transaction,
  { head, fromXact, toXact, frontier, eventId }: NewSeal,
): Promise<void> {
  await tx.count(INSERT, [
    head.seal,
    fromXact,
    toXact,
    uuidOf('event', eventId),
    JSON.stringify(head),
    head.root,
    frontier.roots,
    head.key_id,
  ]);
}

/** Keeps the public key where proofs of this time will look for it. */
export async function keepKey(db: Database, { id, publicKey }: SigningKey): Promise<void> {
  await db.count(INSERT_KEY, [id, publicKey]);
}
