import { logger } from '@payflow/telemetry';
import type { AnyOutgoing } from '../outgoing.js';
import { parkSubject, standStill, storeParked } from '../parking/parking.repository.js';
import { messagesTotal } from './metrics.js';
import { planSequence, sequenceKey, sequenceOf, type SequenceState } from './sequence-plan.js';
import { deleteWaiting, loadSequences, storeWaiting, useSequences } from './sequence.repository.js';
import type { Arrival, Unit } from './unit.js';

const log = logger('sequence');

/** Commands in the order of their numbers. */
interface Ordered {
  readonly ready: readonly Arrival[];
  readonly deferred: number;
  /** Never applied: copies of what was, and others under a number that is taken. */
  readonly outdone: readonly Arrival[];
}

/**
 * Puts commands in the order of their numbers: what is early waits, and what it waited for brings it along, all in the
 * transaction of that. Costs nothing where every command is the first of its subject and none waits.
 */
export async function inSequence(unit: Unit, arrivals: readonly Arrival[]): Promise<Ordered> {
  const { spec } = unit.reader;
  const isPlain = !unit.position.hasWaiting && arrivals.every(({ message }) => (sequenceOf(message) ?? 1) === 1);
  if (!spec.sequenced || isPlain || arrivals.length === 0) return { ready: arrivals, deferred: 0, outdone: [] };
  const states = await loadSequences(unit, arrivals);
  if (unit.followers === 'park') await parkFollowers(unit, arrivals, states);
  const discarded = discardWaiting(arrivals, states);
  const plan = planSequence(arrivals, states);
  const left = discarded.filter((arrival) => !plan.ready.includes(arrival));
  await deleteWaiting(unit, [...plan.taken, ...left]);
  await storeWaiting(unit, [...plan.early, ...left]);
  await useSequences(unit, plan.used);
  return { ready: plan.ready, deferred: plan.early.length, outdone: [...plan.conflicting, ...plan.repeated] };
}

/** What an operator discards may have come before, and wait: that copy of it is not carried out either. Returns those. */
function discardWaiting(arrivals: readonly Arrival[], states: ReadonlyMap<string, SequenceState>): Arrival[] {
  return arrivals.flatMap(({ message, discarded }) => {
    const number = sequenceOf(message);
    const waiting = states.get(sequenceKey(message))?.waiting;
    const copy = number === undefined ? undefined : waiting?.get(number);
    if (!discarded || number === undefined || copy?.message.id !== message.id) return [];
    const marked = { ...copy, discarded };
    waiting?.set(number, marked);
    return [marked];
  });
}

/**
 * Refuses those of the commands whose number is another's: a gateway whose database has gone back to an earlier state hands numbers
 * out again, and whoever sent the second under one would wait for ever. Runs behind the handler, whose effects tell a copy from it.
 */
export async function refuseOutdone(
  { tx, reader }: Unit,
  outdone: readonly Arrival[],
): Promise<{ messages: readonly AnyOutgoing[]; refused: readonly Arrival[] }> {
  const { discard } = reader.handlers;
  if (outdone.length === 0 || !discard) return { messages: [], refused: [] };
  const { messages, repeated = [] } = await discard(
    outdone.map(({ message }) => message),
    tx,
  );
  const refused = outdone.filter(({ message }) => !repeated.includes(message.id));
  for (const { message } of refused) {
    messagesTotal.inc({ group: reader.group, outcome: 'number_taken' });
    log.error(
      { event_id: message.id, subject: message.key },
      'ALARM: two commands of one subject carry the same number; the second is refused',
    );
  }
  return { messages, refused };
}

/** A command failed together with those that waited for it: it is tried alone, and they wait for an operator. */
async function parkFollowers(
  unit: Unit,
  arrivals: readonly Arrival[],
  states: ReadonlyMap<string, SequenceState>,
): Promise<void> {
  for (const { message } of arrivals) {
    const { used = 0, waiting } = states.get(sequenceKey(message)) ?? {};
    if (!waiting?.size || sequenceOf(message) !== used + 1) continue;
    const followers = [...waiting].sort(([a], [b]) => a - b).map(([, follower]) => follower);
    const cause = { errorClass: 'follower', errorMessage: `failed behind ${message.id}`, attempts: 2 };
    await parkSubject(unit.tx, unit.place, message, cause);
    await storeParked(unit.tx, unit.place, followers);
    await standStill(unit.tx, unit.place, message);
    await deleteWaiting(unit, followers);
    waiting.clear();
  }
}
