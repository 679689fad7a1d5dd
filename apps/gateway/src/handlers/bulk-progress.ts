import type { Transaction } from '@payflow/database';
import type { Reply } from '../acceptance/acceptable.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { advanceBulks, type BulkProgress } from '../database/transfer-bulk-view.repository.js';
import { commandKeyOf, type Answered } from './answered.js';
import { stopLegOf, type GroupEvent } from './group-events.js';

/** That there is one is all that is told of a bulk's end: it is put together from its transfers by whoever waits for it. */
const ENDED: Reply = { status: 200, headers: {}, body: '' };

/**
 * Counts the answers to writes of bulks; returns those that have ended. Last in its transaction: the rows of bulks are locked
 * behind everything else, and only until COMMIT.
 */
export async function advance(
  tx: Transaction,
  answered: Answered,
  events: readonly GroupEvent[],
): Promise<(readonly [ResourceKey, Reply])[]> {
  const stops = new Map(events.flatMap(stopOf));
  const progress = new Map<string, BulkProgress>();
  for (const [command, { tenant, livemode, bulk }] of answered) {
    if (bulk === null) continue;
    const key = { tenant, livemode, id: bulk };
    const before = progress.get(keyOf(key));
    progress.set(keyOf(key), {
      ...key,
      answered: (before?.answered ?? 0) + 1,
      stoppedAt: stops.get(command) ?? before?.stoppedAt ?? null,
    });
  }
  const ended = await advanceBulks(tx, [...progress.values()]);
  return ended.map((key) => [key, ENDED] as const);
}

function stopOf(event: GroupEvent): [command: string, leg: number][] {
  const leg = stopLegOf(event);
  return leg === null ? [] : [[keyOf(commandKeyOf(event)), leg]];
}
