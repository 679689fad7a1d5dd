import type { Statement } from '../statement.js';

/**
 * Who took a connection: an error made where it was asked for, whose stack is only written out when somebody must be told, or the
 * name of what it was taken for.
 */
export type Taker = Error | Pick<Statement, 'name'>;

/** A stack costs ten microseconds, a tenth of a short transaction: one in so many has it, until something leaks. */
const ONE_IN = 16;
const A_TRANSACTION = { name: 'a transaction whose stack was not kept; from now on each is' };

let count = 0;
let isLeaking = false;

/** For a transaction, called where it was asked for. A statement by itself is its own taker: it cannot last. */
export function transactionTaker(): Taker {
  return isLeaking || count++ % ONE_IN === 0 ? new Error('this is where the connection was asked for') : A_TRANSACTION;
}

/** A connection was not given back: the next that is not names who has it. */
export function keepEveryStack(): void {
  isLeaking = true;
}
