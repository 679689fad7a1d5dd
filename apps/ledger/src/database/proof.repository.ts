import type { LedgerSealed } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { Hash } from '../proof/merkle.js';
import { CANONICAL_SQL } from './chain.js';

/** A sealed transfer's link, and the seal it lies in. */
export interface SealedLink {
  readonly chain: number;
  readonly position: number;
  readonly hash: string;
  readonly canonical: string;
  /** Number of the seal; null where the next one has still to be made. */
  readonly seal: number | null;
  /** The hash of the link before, where that lies in an earlier seal. */
  readonly endBefore: string | null;
}

// The predecessor is not looked for: of a chain with little in it that lies far back, and nothing but the way there would find it.
// It is in the same seal, or where the head of the seal before says that the chain ended.
export const LINK = statement(
  'proof.link',
  `select t.chain::integer as chain, t.chain_position::float8 as position, encode(t.chain_hash, 'hex') as hash,
     ${CANONICAL_SQL} as canonical, s.seal::integer as seal,
     (select e.value ->> 'hash' from seals b cross join lateral json_array_elements(b.head -> 'chains') as e
      where b.seal = s.seal - 1 and (e.value ->> 'chain')::integer = t.chain
        and (e.value ->> 'position')::bigint = t.chain_position - 1) as "endBefore"
   from transfers t left join lateral (
     select case when t.xact_id < n.to_xact then n.seal end as seal from seals n where n.from_xact <= t.xact_id
     order by n.from_xact desc limit 1) as s on true
   where t.tenant_id = $1 and t.livemode = $2 and t.id = $3`,
);

const SEAL_ENTRIES = statement(
  'proof.seal-entries',
  `select encode(t.chain_hash, 'hex') as hash from seals s
   join transfers t on t.xact_id >= s.from_xact and t.xact_id < s.to_xact
   where s.seal = $1 order by t.chain, t.chain_position`,
);

const LOG_STATES = statement(
  'proof.log-states',
  `select seal::integer as seal, encode(root, 'hex') as entry, frontier as roots from seals where seal = any ($1::bigint[])`,
);

const SEALS_MAX = 500;

const SEALS_AFTER = statement(
  'proof.seals-after',
  `select s.seal::integer as seal, s.from_xact::text as "fromXact", s.to_xact::text as "toXact", s.head,
     encode(s.root, 'hex') as root, s.frontier, s.key_id as "keyId", coalesce(k.public_key, '') as "publicKey"
   from seals s left join signing_keys k on k.id = s.key_id where s.seal > $1 order by s.seal limit ${SEALS_MAX}`,
);

const HEAD = statement(
  'proof.head',
  `select s.head, k.public_key as "publicKey" from seals s join signing_keys k on k.id = s.key_id order by s.seal desc limit 1`,
);

export async function findLink(
  db: Database,
  key: { readonly tenant: string; readonly livemode: boolean; readonly transfer: string },
): Promise<SealedLink | undefined> {
  const [row] = await db.rows<SealedLink & Record<string, unknown>>(LINK, [key.tenant, key.livemode, key.transfer]);
  return row;
}

/** The hashes that a seal's root is taken over, in order. */
export async function sealEntries(db: Database, seal: number): Promise<string[]> {
  return (await db.rows<{ hash: string }>(SEAL_ENTRIES, [seal])).map(({ hash }) => hash);
}

/** The log as it was with some of its seals: each one's entry, and the log's full subtrees behind it. */
export async function logStates(
  db: Database,
  seals: readonly number[],
): Promise<ReadonlyMap<number, { readonly entry: Hash; readonly roots: readonly Hash[] }>> {
  const rows = await db.rows<{ seal: number; entry: Hash; roots: Hash[] }>(LOG_STATES, [seals]);
  return new Map(rows.map((row) => [row.seal, row]));
}

/** A seal as it is kept, and the key that it names. */
export interface KeptSeal {
  readonly seal: number;
  readonly fromXact: string;
  readonly toXact: string;
  readonly head: LedgerSealed;
  readonly root: Hash;
  readonly frontier: readonly Hash[];
  readonly keyId: string;
  /** Empty where it is gone. */
  readonly publicKey: string;
}

/** The next seals behind a number, in order: 500 at most. */
export function sealsAfter(db: Database, seal: number): Promise<KeptSeal[]> {
  return db.rows<KeptSeal & Record<string, unknown>>(SEALS_AFTER, [seal]);
}

/** The newest signed head, with the key that signed it. */
export async function newestHead(
  db: Database,
): Promise<{ readonly head: LedgerSealed; readonly publicKey: string } | undefined> {
  const [row] = await db.rows<{ head: LedgerSealed; publicKey: string }>(HEAD);
  return row;
}
