import type { Transaction } from '@payflow/database';
import { dropKeys } from '../database/acceptance.repository.js';
import { findContentHashes } from '../database/bulk-acceptance.repository.js';
import { findFirsts, markCopies, namedOf, type First, type NamedWrite } from '../database/client-id.repository.js';
import { keyOf } from '../database/keys.js';
import { accountIdsTaken } from '../database/new-view.repository.js';
import type { Acceptable, Acceptance } from './acceptable.js';

/**
 * What becomes of writes whose id, or path, is in use: the same under the same id gets the answer of the first, and its key
 * stands for that from now on. All others are refused, and give their keys back.
 */
export async function settleTaken(
  tx: Transaction,
  writes: readonly Acceptable[],
): Promise<Map<Acceptable, Acceptance>> {
  const named = new Map(writes.flatMap((write) => entryOf(write, namedOf(write))));
  const [firsts, idsTaken, ofBulks] = await Promise.all([
    findFirsts(tx, [...named.values()]),
    accountIdsTaken(tx, writes),
    findMadeByBulks(tx, [...named.values()]),
  ]);
  const settled = new Map<Acceptable, Acceptance>();
  const copies: [NamedWrite, First][] = [];
  for (const write of writes) {
    const name = named.get(write);
    const first = name && firsts.get(name);
    if (name && first) copies.push([name, first]);
    if (first) settled.set(write, answeredAs(first));
    else if (name && ofBulks.has(name)) {
      copies.push([name, ofBulk(name)]);
      settled.set(write, { outcome: 'made_by_bulk' });
    } else settled.set(write, refused(write, idsTaken));
  }
  await markCopies(tx, copies);
  const keyless = writes.filter((write) => !KEPT.has(settled.get(write)?.outcome ?? 'refused'));
  if (keyless.length > 0) await dropKeys(tx, keyless);
  return settled;
}

const KEPT: ReadonlySet<Acceptance['outcome']> = new Set(['joined', 'replayed', 'made_by_bulk']);

/** The transfers among them that a bulk was asked for in the same words. */
async function findMadeByBulks(tx: Transaction, writes: readonly NamedWrite[]): Promise<Set<NamedWrite>> {
  const transfers = writes.filter(({ kind }) => kind === 'transfer');
  if (transfers.length === 0) return new Set();
  const hashes = await findContentHashes(tx, transfers, 'bulks');
  return new Set(transfers.filter((write) => hashes.get(keyOf(write))?.equals(write.contentHash)));
}

/** A bulk is answered whole, and has no answer that the key could stand for: it is noted as a copy of itself. */
function ofBulk({ id, idempotencyKey }: NamedWrite): First {
  return { idempotencyKey, resourceId: id, reply: undefined };
}

/** A copy by its key or its id is answered as the first was, or will be. */
function answeredAs({ reply, resourceId, idempotencyKey }: First): Acceptance {
  return reply ? { outcome: 'replayed', reply } : { outcome: 'joined', resourceId, idempotencyKey };
}

function refused({ write }: Acceptable, idsTaken: ReadonlySet<string>): Acceptance {
  const isPathTaken = write.kind === 'account' && !idsTaken.has(keyOf(write.view));
  return { outcome: 'refused', code: isPathTaken ? 'account_exists' : 'id_reused' };
}

function entryOf<V>(write: Acceptable, value: V | undefined): [Acceptable, V][] {
  return value === undefined ? [] : [[write, value]];
}
