import type { Connector } from '@payflow/connectors';
import { Bulkhead, Refused } from '@payflow/resilience';
import { isOpen } from '../domain/attempt.js';
import type { Attempt } from './attempt.js';
import type { Note } from './note.js';
import { INQUIRIES_MAX, inquiryOf } from './provider-jobs.js';

/**
 * How many inquiries each connector holds. Those that wait in one whose provider is slow would take the hands of all others, and its
 * own places from what is to be sent.
 */
export class InquiryPlaces {
  private readonly places: ReadonlyMap<string, Bulkhead>;

  constructor(connectors: readonly Pick<Connector, 'name'>[]) {
    this.places = new Map(
      connectors.map(({ name }) => [
        name,
        new Bulkhead(`inquiries.${name}`, { running_max: INQUIRIES_MAX, waiting_max: 0 }),
      ]),
    );
  }

  /** What `put` comes to; undefined where the connector holds as many as it may, and nothing was asked. `put` throws nothing. */
  async in<T>({ name }: Pick<Connector, 'name'>, put: () => Promise<T>): Promise<T | undefined> {
    const places = this.places.get(name);
    if (!places) throw new Error(`no connector ${name}`);
    try {
      return await places.run(put);
    } catch (error) {
      if (error instanceof Refused) return undefined;
      throw error;
    }
  }
}

/** A place is free again after about so long, where the provider answers: ten calls at 50 ms each are 50 in as much. */
const TURN_MS = 250;
/** And where it does not, thousands must not come back each quarter of a second: each waits twice as long as the last time, up to this. */
const PUT_OFF_MAX_MS = 10_000;

/**
 * Its question was not put, which is no word on it: it is put a little later, and its time in the schedule does not pass. `times`: how
 * often that was so before. What counts is how long the question has waited for its turn, and not what its attempt waits for: who has
 * acted hears the answer soon, unless very many do.
 */
export function putOff(attempt: Attempt | undefined, times: number): Note<undefined> {
  if (!attempt || !isOpen(attempt.status)) return { result: undefined };
  const delay_ms = Math.min(TURN_MS * 2 ** times, PUT_OFF_MAX_MS) * (1 + Math.random());
  return { result: undefined, jobs: [{ ...inquiryOf(attempt, delay_ms), putOff: times + 1 }] };
}
