import type { AnyMessage } from '@payflow/contracts';
import type { Arrival } from './unit.js';

/** The subject of a sequence: one record key of one tenant's mode. */
export interface SequenceState {
  /** The last number applied, refused or discarded; 0 before the first. */
  used: number;
  /** Commands that came before their predecessor, by number. */
  readonly waiting: Map<number, Arrival>;
}

export interface SequencePlan {
  /** To be handled now, in this order. */
  readonly ready: Arrival[];
  /** Came too early: to be stored. */
  readonly early: Arrival[];
  /** Were stored, and are ready now. */
  readonly taken: Arrival[];
  /** Copies of what was applied before. */
  readonly repeated: Arrival[];
  /** Another command under a number that is taken: never applied. */
  readonly conflicting: Arrival[];
  /** Numbers used up, by subject, where they are not the first. */
  readonly used: Map<string, { readonly message: AnyMessage; readonly number: number }>;
}

/** The command's place among those of its subject, from 1; undefined for commands outside any sequence (sweepers'). */
export function sequenceOf({ data }: AnyMessage): number | undefined {
  const { sequence } = data as { sequence?: unknown };
  return typeof sequence === 'number' && Number.isSafeInteger(sequence) && sequence > 0 ? sequence : undefined;
}

export function sequenceKey({ tenant, livemode, key }: AnyMessage): string {
  return `${tenant}/${livemode ? 'live' : 'test'}/${key}`;
}

/** Decides on the commands in the order they came. Changes `states` as it goes. */
export function planSequence(arrivals: readonly Arrival[], states: ReadonlyMap<string, SequenceState>): SequencePlan {
  const plan: SequencePlan = { ready: [], early: [], taken: [], repeated: [], conflicting: [], used: new Map() };
  for (const [subject, state] of states) follow(plan, state, subject);
  for (const arrival of arrivals) {
    const number = sequenceOf(arrival.message);
    const subject = sequenceKey(arrival.message);
    const state = states.get(subject);
    if (number === undefined || !state) plan.ready.push(arrival);
    else if (number > state.used + 1) defer(plan, state, number, arrival);
    // A copy of the first is handled: the reader's own key recognises it. Later ones have the sequence as their mark.
    else if (number <= state.used && number > 1) plan.repeated.push(arrival);
    else apply(plan, state, subject, arrival, number);
  }
  return plan;
}

function defer(plan: SequencePlan, state: SequenceState, number: number, arrival: Arrival): void {
  const waiting = state.waiting.get(number);
  if (!waiting) {
    state.waiting.set(number, arrival);
    plan.early.push(arrival);
  } else if (waiting.message.id !== arrival.message.id) {
    plan.conflicting.push(arrival);
  }
}

function apply(plan: SequencePlan, state: SequenceState, subject: string, arrival: Arrival, number: number): void {
  plan.ready.push(arrival);
  state.used = Math.max(state.used, number);
  if (state.used > 1) plan.used.set(subject, { message: arrival.message, number: state.used });
  follow(plan, state, subject);
}

/** What waits for nothing any more. */
function follow(plan: SequencePlan, state: SequenceState, subject: string): void {
  for (let next = state.waiting.get(state.used + 1); next; next = state.waiting.get(state.used + 1)) {
    state.used += 1;
    state.waiting.delete(state.used);
    plan.ready.push(next);
    const early = plan.early.indexOf(next);
    if (early >= 0) plan.early.splice(early, 1);
    else plan.taken.push(next);
    plan.used.set(subject, { message: next.message, number: state.used });
  }
}
