import { logger } from '@payflow/telemetry';
import type { RawRecord } from '../broker/port.js';
import { parkSubject, storeParked } from '../parking/parking.repository.js';
import { talliesByDay } from '../outbox/tally.js';
import { decodeItem, type Item } from './batch.js';
import type { Claim } from './claim.js';
import { eventIdOf } from './event-id.js';
import { keepDeadLetter, type FailureCause } from './dead-letter.repository.js';
import { deadLetter } from './dead-letter.js';
import { messagesTotal } from './metrics.js';
import { advancePosition, lockPosition, type Place } from './positions.repository.js';
import { FenceLost } from './stops.js';
import { clearSuspects } from './suspects.repository.js';
import type { Reader } from './unit.js';

const log = logger('runner');

interface Owned {
  readonly reader: Reader;
  readonly place: Place;
  readonly claim: Claim;
}

/** In a batch, and again alone. */
const ATTEMPTS = 2;

/** Parks the record's subject, or dead-letters the record where order protects nothing, and moves past it. */
export async function setAside(
  owned: Owned,
  record: RawRecord,
  error: unknown,
  known?: Pick<FailureCause, 'errorClass' | 'attempts'>,
): Promise<void> {
  const { reader, place, claim } = owned;
  const { name, message } = error as Error;
  const item = decodeItem(reader, place, record);
  // A record whose refusal failed stays undecodable: whoever compares what was sent and received goes by the class.
  const errorClass = item.decoded.kind === 'undecodable' ? item.decoded.kind : name;
  const cause: FailureCause = { errorClass, errorMessage: message, attempts: ATTEMPTS, ...known };
  const outcome = item.arrival && reader.spec.order === 'subject' ? 'parked' : 'dead_lettered';
  const staged = await reader.db.transaction(async (tx) => {
    const position = await lockPosition(tx, place);
    if (!position || position.epoch !== claim.epoch) throw new FenceLost();
    if (record.offset < position.nextOffset) return undefined;
    const isKept = await keep(owned, tx, item, cause);
    await clearSuspects(tx, place, record.offset);
    const finished = isKept ? [deadLetter(place, record, cause, new Date())] : [];
    const copied = reader.outbox.stageAtCommit(tx, { outgoing: [], finished, parentOf: () => undefined });
    advancePosition(tx, place, { nextOffset: record.offset + 1, lastEventId: eventIdOf(record) }, talliesByDay([]));
    return copied;
  });
  if (!staged) return;
  claim.passedOver.wrote(record.offset + 1, performance.now());
  staged.publish();
  if (outcome === 'dead_lettered') claim.dead.add(eventIdOf(record) ?? '');
  messagesTotal.inc({ group: place.group, outcome });
  log.error({ err: error, ...place, offset: record.offset, outcome }, 'ALARM: a message cannot be applied');
}

/** False when it had been kept before: the position was moved back. */
async function keep(
  { reader, place }: Owned,
  tx: Parameters<typeof parkSubject>[0],
  { arrival, record }: Item,
  cause: FailureCause,
): Promise<boolean> {
  if (!arrival || reader.spec.order === 'none') return keepDeadLetter(tx, place, record, cause);
  await parkSubject(tx, place, arrival.message, cause);
  await storeParked(tx, place, [arrival]);
  return true;
}
