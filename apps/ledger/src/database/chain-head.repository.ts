import { statement, type Transaction } from '@payflow/database';
import type { ChainHead } from './chain.js';
import type { Reads } from './one-moment.js';

const ENDS = statement('reads.chain-ends', 'select position from chains order by chain');

const CLOCK = statement('ledger.clock', 'select clock_timestamp() as now');

export interface HeadRow {
  readonly head: [position: string, hash: string, xact: string] | null;
  readonly now_ms: number;
}

/** How far all chains have come, by their numbers. */
export async function chainEnds(db: Reads): Promise<bigint[]> {
  return (await db.rows<{ position: bigint }>(ENDS)).map(({ position }) => position);
}

/** The ledger's clock where no account is locked. */
export async function readClock(tx: Transaction): Promise<Date> {
  return (await tx.rows<{ now: Date }>(CLOCK))[0]?.now ?? new Date(0);
}

export function headOf(first: Pick<HeadRow, 'head'> | undefined): { readonly head: ChainHead; readonly xact: string } {
  const [position, hash, xact] = first?.head ?? [];
  if (position === undefined || hash === undefined || xact === undefined) throw new TypeError('a chain has no head');
  return { head: { position: BigInt(position), hash }, xact };
}
