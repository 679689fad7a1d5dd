/** No class begins with E, as Node's own codes do: EPIPE is no answer of the server's. */
const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/;

/** The SQLSTATE of a Postgres error, or undefined for anything else. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && SQLSTATE.test(code) ? code : undefined;
}

/** COMMIT was sent and its answer lost: the work may or may not be durable. Re-read by key, or run an idempotent statement again. */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('the outcome of COMMIT is unknown', { cause });
  }
}

/** Thrown by a handler or repository that lost a race it can only win by running the whole transaction again. */
export class RunAgain extends Error {
  constructor(reason: string) {
    super(`run again: ${reason}`);
  }
}

/** No connection of the pool became free in time: more is asked of the database at once than it was given connections for. */
export class PoolExhausted extends Error {
  override readonly name = 'PoolExhausted';

  constructor(pool: string, waited_ms: number, size: number) {
    super(`all ${size} connections for ${pool} were in use for ${waited_ms} ms`);
  }
}

/** Serialization failure or deadlock: the transaction did nothing and may run again at once. */
export function isSerializationConflict(error: unknown): boolean {
  const state = sqlState(error);
  return error instanceof RunAgain || state === '40001' || state === '40P01';
}

const DETERMINISTIC_CLASSES = new Set(['21', '22', '23']);

/**
 * True only for what the same input will meet again for certain: class 21 (one row twice in a statement), class 22 (data exception),
 * class 23 (constraint), or a failed assertion. Everything else may be the weather, and is retried without limit.
 */
export function isDeterministic(error: unknown): boolean {
  const state = sqlState(error);
  if (state) return DETERMINISTIC_CLASSES.has(state.slice(0, 2)) && !isPartitionMissing(error);
  return error instanceof TypeError || error instanceof RangeError || isAssertion(error);
}

/** Class 23 too, but no fault of the row: housekeeping is behind, or a clock is wrong. A broken check names its constraint. */
export function isPartitionMissing(error: unknown): boolean {
  return sqlState(error) === '23514' && (error as { constraint?: unknown }).constraint === undefined;
}

function isAssertion(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_ASSERTION';
}

/** A row under the same key was there first. */
export function isUniqueViolation(error: unknown): boolean {
  return sqlState(error) === '23505';
}

/** query_canceled: the statement was given up because its time was over, not because of what it asked. */
export function isStatementTimeout(error: unknown): boolean {
  return sqlState(error) === '57014';
}

/** Too many connections; read only, as a server is while it changes places; ended for idling inside a transaction. */
const OTHER_LOSSES = new Set(['53300', '25006', '25P03']);
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** An alert of the other side, a record that cannot be read. A certificate that is not believed has codes of its own. */
const TLS_CODE = /^ERR_SSL_/;

/** What the driver and its pool say of a connection that broke, was not to be had, or is being closed. */
const LOST =
  /connection (terminated|error|timeout)|timeout exceeded when trying to connect|client was closed|after calling end on the pool|query read timeout/i;

/** The server or the way to it is gone: not a fault of the request. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof PoolExhausted) return true;
  const state = sqlState(error);
  if (state) return state.startsWith('08') || state.startsWith('57P') || OTHER_LOSSES.has(state);
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && (CONNECTION_CODES.has(code) || TLS_CODE.test(code))) return true;
  return error instanceof Error && LOST.test(error.message);
}
