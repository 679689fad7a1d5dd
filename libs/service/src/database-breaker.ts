import { isConnectionLoss, PoolExhausted, sqlState } from '@payflow/database';
import { Breaker } from '@payflow/resilience';

/** Failures in a row after which requests are refused at once, and for how long before one tries again. */
const FAILURES_MAX = 5;
const OPEN_MS = 1_000;
/** Starting up: a server that answers, and cannot be used. */
const CANNOT_CONNECT_NOW = '57P03';

/**
 * The breaker of a service whose requests wait for its database: while nothing is there, or what is there is silent, each of them would
 * wait for a connection, and hold a worker. Backends that were ended and pools that are all in use are no reason: the next may do.
 */
export function databaseBreaker(): Breaker {
  return new Breaker('database', { failures_max: FAILURES_MAX, open_ms: OPEN_MS, isFailure: isAway });
}

function isAway(error: unknown): boolean {
  if (!isConnectionLoss(error) || error instanceof PoolExhausted) return false;
  const state = sqlState(error);
  return state === undefined || state === CANNOT_CONNECT_NOW;
}
