import { SpanKind, SpanStatusCode, context, trace, type Span } from '@opentelemetry/api';
import { crashAt } from '@payflow/contracts';
import type { Socket } from 'node:net';
import type { PoolClient } from 'pg';
import { arrayLiteral } from './array.js';
import { OutcomeUnknown, isConnectionLoss } from './errors.js';
import type { Statement } from './statement.js';

/** A result row: columns by name; int8 as bigint, timestamptz as Date, json as parsed. */
export type Row = Record<string, unknown>;

const tracer = trace.getTracer('payflow.database');

interface Last {
  readonly statement: Statement;
  readonly values: readonly unknown[];
  readonly onRows: ((rows: never[]) => void) | undefined;
}

/**
 * One open transaction, handed down explicitly: whoever has it writes inside it, and nobody writes beside it.
 * Statements issued without awaiting each other are pipelined on the connection and run in order.
 */
export class Transaction {
  private readonly last: Last[] = [];

  constructor(private readonly client: PoolClient) {}

  /** Runs a named, prepared statement and returns its rows. */
  async rows<R extends object = Row>(statement: Statement, values: readonly unknown[] = []): Promise<R[]> {
    return (await this.execute(statement, values)).rows as R[];
  }

  /** Runs a statement and returns how many rows it touched. */
  async count(statement: Statement, values: readonly unknown[] = []): Promise<number> {
    return (await this.execute(statement, values)).rowCount ?? 0;
  }

  /**
   * Sends a statement together with COMMIT, in one packet and one round trip: for writes whose result decides nothing.
   * `onRows` hears what it returned, before the transaction's promise resolves. When it fails, COMMIT answers ROLLBACK and
   * the transaction throws the statement's error.
   */
  atCommit(statement: Statement, values: readonly unknown[] = [], onRows?: (rows: never[]) => void): void {
    this.last.push({ statement, values, onRows });
  }

  /** For {@link runTransaction}: sends what was kept for the end, without waiting. */
  sendLast(): Promise<unknown>[] {
    return this.last.map(async ({ statement, values, onRows }) => {
      const { rows } = await this.execute(statement, values);
      onRows?.(rows as never[]);
    });
  }

  private async execute(statement: Statement, values: readonly unknown[]) {
    const span = startSpan(statement);
    try {
      return await this.client.query({ name: statement.name, text: statement.text, values: values.map(parameter) });
    } catch (error) {
      span?.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).name });
      throw error;
    } finally {
      span?.end();
    }
  }
}

function parameter(value: unknown): unknown {
  return Array.isArray(value) ? arrayLiteral(value) : value;
}

/** A client span named after the statement; its text has placeholders only. Nothing is made where nobody records. */
function startSpan(statement: Statement): Span | undefined {
  const parent = trace.getSpan(context.active());
  if (!parent?.isRecording()) return undefined;
  return tracer.startSpan(statement.name, {
    kind: SpanKind.CLIENT,
    attributes: { 'db.system.name': 'postgresql', 'db.query.summary': statement.name, 'db.query.text': statement.text },
  });
}

/**
 * BEGIN, the work, COMMIT on one client. Rolls back when the work throws. Throws {@link OutcomeUnknown} when COMMIT was
 * sent and never answered, and the work's own error otherwise.
 */
export async function runTransaction<T>(client: PoolClient, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const tx = new Transaction(client);
  // BEGIN goes out with all that the work says before it waits for an answer: one round trip less in every transaction.
  corkForThisTurn(client);
  const begun = client.query('begin');
  const working = begin(work, tx);
  let result: T;
  try {
    [result] = await Promise.all([working, begun]);
  } catch (error) {
    await rollback(client);
    throw error;
  }
  await commit(client, tx);
  return result;
}

/** Work that throws before it returns a promise rejects like any other: BEGIN is on its way by then. */
async function begin<T>(work: (tx: Transaction) => Promise<T>, tx: Transaction): Promise<T> {
  return work(tx);
}

async function rollback(client: PoolClient): Promise<void> {
  // A connection that died has rolled back already; the pool drops it.
  await client.query('rollback').catch(() => undefined);
}

async function commit(client: PoolClient, tx: Transaction): Promise<void> {
  try {
    const sent = inOnePacket(client, () => [...tx.sendLast(), client.query('commit')]);
    crashAt('commit-sent');
    const outcomes = await Promise.allSettled(sent);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    const committed = outcomes.at(-1) as PromiseFulfilledResult<{ command: string }>;
    // A transaction that a swallowed error has aborted answers COMMIT with ROLLBACK and no error.
    if (committed.value.command !== 'COMMIT') throw new Error('the transaction was aborted before COMMIT');
  } catch (error) {
    throw isConnectionLoss(error) ? new OutcomeUnknown(error) : error;
  }
  crashAt('commit-acknowledged');
}

/** What is sent until the end of this turn of the event loop, promises that are settled included, leaves together. */
function corkForThisTurn(client: PoolClient): void {
  const stream = streamOf(client);
  stream.cork();
  setImmediate(() => stream.uncork());
}

/** The driver writes each query by itself; corked, they leave together. */
function inOnePacket<S>(client: PoolClient, send: () => S): S {
  const stream = streamOf(client);
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}

function streamOf(client: PoolClient): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}
