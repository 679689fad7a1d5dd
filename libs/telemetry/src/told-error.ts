import { pino } from 'pino';

/**
 * Members of errors that hold what was written or asked, and not what went wrong: of ioredis the whole command, of HELLO and AUTH the
 * password among it; of its parser what came over the wire; of PostgreSQL the row that broke a constraint, and what a function was
 * called with; of TypeORM the parameters.
 */
const VALUES: ReadonlySet<string> = new Set(['args', 'buffer', 'detail', 'where', 'internalQuery', 'parameters']);
const SAID_ANYWAY: ReadonlySet<string> = new Set(['type', 'message', 'stack', 'errors', 'aggregateErrors']);
/** Errors within errors, as those of a pipeline and of a cluster's nodes; what lies deeper is left out, and circles end. */
const DEPTH_MAX = 5;
const LIST_MAX = 20;

type Members = Readonly<Record<string, unknown>>;

/** What the log tells of an error: class, message and stack with its causes', and those of its members that hold no values. */
export function toldError(error: unknown): unknown {
  return told(error, 0);
}

function told(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEPTH_MAX || ArrayBuffer.isView(value)) return undefined;
  if (Array.isArray(value)) return value.slice(0, LIST_MAX).map((each) => told(each, depth + 1));
  if (isErrorLike(value)) return toldMembers(value, depth);
  if (typeof (value as Members)['toJSON'] === 'function') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, told(member, depth + 1)]));
}

function toldMembers(error: Error & Members, depth: number): Members {
  const { type, message, stack } = pino.stdSerializers.err(error);
  const members: Record<string, unknown> = { type, message, stack };
  const errors: unknown = error['errors'];
  if (Array.isArray(errors)) members['aggregateErrors'] = told(errors, depth + 1);
  // Not its own alone: pino tells of the inherited ones too.
  for (const key in error) {
    if (SAID_ANYWAY.has(key) || VALUES.has(key)) continue;
    const member: unknown = error[key];
    if (key === 'command') members[key] = nameOf(member);
    // Message and stack have it already.
    else if (key !== 'cause' || !isErrorLike(member)) members[key] = told(member, depth + 1);
  }
  return members;
}

function nameOf(command: unknown): string | undefined {
  const name = (command as { name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' ? name : undefined;
}

function isErrorLike(value: unknown): value is Error & Members {
  return typeof (value as { message?: unknown } | null | undefined)?.message === 'string';
}
