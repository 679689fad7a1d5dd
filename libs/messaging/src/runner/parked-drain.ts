import type { AnyMessage } from '@payflow/contracts';
import { isDeterministic, statement, type Database, type Transaction } from '@payflow/database';
import type { Outbox } from '../outbox/outbox.js';
import { talliesByDay } from '../outbox/tally.js';
import { clearSubject, parkedMessages, parkedSubjects, removeParked, type ParkedSubject } from '../parking/parking.repository.js';
import type { Handled, SubscriptionHandlers } from './handler.js';
import { advancePosition, lockPosition, type Place } from './positions.repository.js';
import { FenceLost } from './stops.js';

const DRAIN_MESSAGES_MAX = 100;

const PARK_AGAIN = statement(
  'parking.park-again',
  `update parked_subjects set state = 'parked', error_message = $4, attempts = attempts + 1
   where consumer_group = $1 and tenant = $2 and record_key = $3`,
);

/**
 * Carries out what operators asked of parked subjects: applies a released one's messages in offset order, or refuses a
 * discarded one's, and lifts the mark when none is left. Runs under the position's lock, so newer messages of the
 * subject keep waiting behind the old ones until then.
 */
export async function drainParked(db: Database, outbox: Outbox, handlers: SubscriptionHandlers, place: Place, epoch: bigint): Promise<void> {
  for (let more = true; more; ) {
    more = await drainOnce(db, outbox, handlers, place, epoch, DRAIN_MESSAGES_MAX);
  }
}

async function drainOnce(db: Database, outbox: Outbox, handlers: SubscriptionHandlers, place: Place, epoch: bigint, limit: number): Promise<boolean> {
  let current: ParkedSubject | undefined;
  try {
    const staged = await db.transaction(async (tx) => {
      const position = await lockPosition(tx, place);
      if (!position || position.epoch !== epoch) throw new FenceLost();
      current = position.hasParked ? [...(await parkedSubjects(tx, place)).values()].find(({ state }) => state !== 'parked') : undefined;
      if (!current) return undefined;
      const messages = await parkedMessages(tx, place.group, current, limit);
      const handled = await carryOut(tx, handlers, current, messages);
      await removeParked(tx, place.group, messages);
      const repeated = new Set(handled.repeated);
      const staged = await outbox.stage(tx, handled.messages, () => undefined);
      await advancePosition(tx, place, position, talliesByDay(messages.map(({ id }) => id).filter((id) => !repeated.has(id))));
      await clearSubject(tx, place.group, current);
      return { staged, afterCommit: handled.afterCommit };
    });
    staged?.staged.publish();
    staged?.afterCommit?.();
    return staged !== undefined;
  } catch (error) {
    if (!current || !isDeterministic(error)) throw error;
    if (limit > 1) return drainOnce(db, outbox, handlers, place, epoch, 1);
    await db.count(PARK_AGAIN, [place.group, current.tenant, current.recordKey, (error as Error).message.slice(0, 500)]);
    return true;
  }
}

async function carryOut(tx: Transaction, handlers: SubscriptionHandlers, subject: ParkedSubject, messages: readonly AnyMessage[]): Promise<Handled> {
  if (messages.length === 0) return { messages: [] };
  if (subject.state === 'releasing') return handlers.handle(messages, tx);
  return handlers.discard ? handlers.discard(messages, tx) : { messages: [] };
}
