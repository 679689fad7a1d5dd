import { Turns, type TurnsOptions } from '../../acceptance/turns.js';

/**
 * As many as the connections for reports: whatever lists cost, writes and consumers have theirs. One that waits for its turn holds nothing but
 * its request, no worker either, and is told to come back about when it would give up waiting for a connection, too. Of one
 * organisation a quarter may wait: it takes four of them to leave none for others. What is carried away can wait, and has half the
 * turns at most, so that no list that somebody looks at waits behind it.
 */
const OPTIONS: TurnsOptions = {
  running_max: 4,
  waiting_max: 200,
  wait_ms: 800,
  ofOne: { running_max: 3, waiting_max: 50 },
  patient: { running_max: 2, waiting_max: 64, wait_ms: 10_000 },
};

/**
 * Lets few lists at once to the database, in the order they came. Filters that no index answers read a whole tenant; such a list
 * may take until the statement's time is up, which is not a fault of the request, and must not be felt by another organisation: one
 * of the turns is never the same one's as the others.
 */
export class ListReads extends Turns {
  constructor(options: TurnsOptions = OPTIONS) {
    super(options);
  }
}
