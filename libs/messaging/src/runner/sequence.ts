import { logger } from '@payflow/telemetry';
import { parkSubject, storeParked } from '../parking/parking.repository.js';
import { planSequence, sequenceKey, sequenceOf, type SequenceState } from './sequence-plan.js';
import { deleteWaiting, loadSequences, storeWaiting, useSequences } from './sequence.repository.js';
import type { Arrival, Unit } from './unit.js';

const log = logger('sequence');

/**
 * Puts commands in the order of their numbers: what is early waits, and what it waited for brings it along, all in the
 * transaction of that. Costs nothing where every command is the first of its subject and none waits.
 */
export async function inSequence(
  unit: Unit,
  arrivals: readonly Arrival[],
): Promise<{ ready: readonly Arrival[]; deferred: number }> {
  const { spec } = unit.reader;
  const isPlain = !unit.position.hasWaiting && arrivals.every(({ message }) => (sequenceOf(message) ?? 1) === 1);
  if (!spec.sequenced || isPlain || arrivals.length === 0) return { ready: arrivals, deferred: 0 };
  const states = await loadSequences(unit, arrivals);
  if (unit.followers === 'park') await parkFollowers(unit, arrivals, states);
  const plan = planSequence(arrivals, states);
  for (const { message } of plan.conflicting) {
    log.error(
      { event_id: message.id, subject: message.key },
      'ALARM: two commands of one subject carry the same number; the second is not applied',
    );
  }
  await storeWaiting(unit, plan.early);
  await deleteWaiting(unit, plan.taken);
  await useSequences(unit, plan.used);
  return { ready: plan.ready, deferred: plan.early.length };
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
    await deleteWaiting(unit, followers);
    waiting.clear();
  }
}
