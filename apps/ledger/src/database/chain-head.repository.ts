import { statement, type Transaction } from '@payflow/database';
import type { ChainHead } from './chain.js';
import type { Reads } from './one-moment.js';

// The clock and the head of the batch's chain, which is its own partition's alone.
const READ = statement(
  'ledger.read-head',
  `select array[position::text, encode(hash, 'hex'), pg_current_xact_id()::text] as head, date_part('epoch', clock_timestamp()) * 1000 as now_ms
   from chains where chain = $1`,
);

const BEGIN = statement(
  'ledger.begin',
  `select pg_current_xact_id()::text as xact, date_part('epoch', clock_timestamp()) * 1000 as now_ms`,
);

const ENDS = statement('reads.chain-ends', 'select position from chains order by chain');

const CLOCK = statement('ledger.clock', 'select clock_timestamp() as now');

// Held against what the batch's links build on; see the function, which fails where another has added to the chain.
const MOVE = statement(
  'ledger.move-head',
  `with moved as (
     update chains set position = $2, hash = decode($3, 'hex') where chain = $1 and position = $4 and hash = decode($5, 'hex') returning 1)
   select all_as_remembered(count(*), 1) from moved`,
);

/** What begins a batch: its transaction's id, as it comes to stand in the rows it writes, and the ledger's clock. */
export interface Beginning {
  readonly xact: string;
  /** Milliseconds since 1970. */
  readonly now_ms: number;
}

export interface HeadRow {
  readonly head: [position: string, hash: string, xact: string] | null;
  readonly now_ms: number;
}

type BeginningOnHead = Beginning & { readonly head: ChainHead };

/** The head of a chain as it stands committed. */
export async function readHead(tx: Transaction, chain: number): Promise<BeginningOnHead> {
  const [row] = await tx.rows<HeadRow>(READ, [chain]);
  return { ...headOf(row), now_ms: row?.now_ms ?? 0 };
}

/** Where the head of the chain is remembered. */
export async function readBeginning(tx: Transaction): Promise<Beginning> {
  const [row] = await tx.rows<Beginning>(BEGIN);
  return row ?? { xact: '0', now_ms: 0 };
}

/** How far all chains have come, by their numbers. */
export async function chainEnds(db: Reads): Promise<bigint[]> {
  return (await db.rows<{ position: bigint }>(ENDS)).map(({ position }) => position);
}

/** The ledger's clock where no account is locked. */
export async function readClock(tx: Transaction): Promise<Date> {
  return (await tx.rows<{ now: Date }>(CLOCK))[0]?.now ?? new Date(0);
}

/** Moves a head together with COMMIT, which fails where the head is not what was built on. */
export function moveHeadAtCommit(
  tx: Transaction,
  chain: number,
  { from, to }: { readonly from: ChainHead; readonly to: ChainHead },
  explain: (error: unknown) => unknown,
): void {
  tx.atCommit(MOVE, [chain, to.position, to.hash, from.position, from.hash], undefined, explain);
}

export function headOf(first: Pick<HeadRow, 'head'> | undefined): { readonly head: ChainHead; readonly xact: string } {
  const [position, hash, xact] = first?.head ?? [];
  if (position === undefined || hash === undefined || xact === undefined) throw new TypeError('a chain has no head');
  return { head: { position: BigInt(position), hash }, xact };
}
