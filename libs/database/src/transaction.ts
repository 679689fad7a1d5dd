import { SpanKind, SpanStatusCode, context, trace, type Context, type Span } from '@opentelemetry/api';
import { crashAt } from '@payflow/contracts';
import type { Socket } from 'node:net';
import type { PoolClient } from 'pg';
import { arrayLiteral } from './array.js';
import { StatementClock } from './care/statement-clock.js';
import { statementExecutions, type StatementExecution } from './care/statement-events.js';
import { OutcomeUnknown, isConnectionLoss } from './errors.js';
import { planBy, plansBy, type Plans } from './kept-plans.js';
import { sendStatement } from './send-statement.js';
import type { Statement } from './statement.js';
import { EVERY_TENANT, speakFor, speaksFor, type Tenant } from './walls.js';

/** A result row: columns by name; int8 as bigint, timestamptz as Date, json as parsed. */
export type Row = Record<string, unknown>;

const tracer = trace.getTracer('payflow.database');

export interface TransactionOptions {
  /**
   * `chosen` by default. `kept` for sets of a few rows: the server thinks that a plan for just these would be cheaper to carry out,
   * and makes one each time, which costs more than the rest. Sets of many are better planned as the server likes, above all while
   * a table is young and nobody has counted it.
   */
  readonly plans?: Plans;
}

interface Last {
  readonly statement: Statement;
  readonly values: readonly unknown[];
  readonly onRows: ((rows: never[]) => void) | undefined;
  readonly explain: (error: unknown) => unknown;
  /** In the trace it belongs to whoever asked for it, though it is sent later. */
  readonly within: Context;
}

/**
 * One open transaction, handed down explicitly: whoever has it writes inside it, and nobody writes beside it.
 * Statements issued without awaiting each other are pipelined on the connection and run in order.
 */
export class Transaction {
  private readonly last: Last[] = [];
  private readonly checks: Promise<void>[] = [];
  private readonly expected: Promise<unknown>[] = [];
  private readonly afterwards: (() => Promise<void>)[] = [];
  private readonly listeners: ((isCommitted: boolean) => void)[] = [];
  private cause: { readonly error: unknown } | undefined;
  private isOver = false;
  private ending: { readonly isCommitted: boolean } | undefined;
  private readonly clock = new StatementClock();

  constructor(
    private readonly client: PoolClient,
    /** Whom its connection speaks for. */
    private readonly tenant: Tenant = EVERY_TENANT,
  ) {}

  /** Runs a statement and returns its rows. */
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
   * the transaction throws the statement's error, or what `explain` makes of it.
   */
  atCommit(
    statement: Statement,
    values: readonly unknown[] = [],
    onRows?: (rows: never[]) => void,
    explain: (error: unknown) => unknown = (error) => error,
  ): void {
    this.last.push({ statement, values, onRows, explain, within: context.active() });
  }

  /**
   * What was sent and can only succeed or fail on the server: COMMIT goes out without waiting for its answer, for after a failure
   * the server makes a ROLLBACK of it. One that rejects is what the transaction fails with.
   */
  expect(result: Promise<void>): void {
    result.catch((error: unknown) => (this.cause ??= { error }));
    this.expected.push(result);
  }

  /**
   * Has the work go on while the server carries out what it was sent: COMMIT follows only when every check has resolved, and
   * one that rejects rolls the transaction back with its error. All statements behind a check must be sent already.
   */
  check(result: Promise<void>): void {
    result.catch((error: unknown) => (this.cause ??= { error }));
    this.checks.push(result);
  }

  /** A step that may take its time, begun when all else has been sent, and after which nothing comes but COMMIT. Rejecting rolls back. */
  afterAll(step: () => Promise<void>): void {
    // In the trace it belongs to whoever asked for it, though it runs later.
    this.afterwards.push(context.bind(context.active(), step));
  }

  /** Hears how the transaction ended, at once where it has: false where it was rolled back, or where its COMMIT was never answered. */
  onEnd(listener: (isCommitted: boolean) => void): void {
    if (this.ending) listener(this.ending.isCommitted);
    else this.listeners.push(listener);
  }

  /** For {@link runTransaction}: from now on a statement of this transaction would run outside of it. */
  close(): void {
    this.isOver = true;
  }

  /** For {@link runTransaction}: what made everything after it fail, where a check was the first to. */
  causeOf(error: unknown): unknown {
    return this.cause ? this.cause.error : error;
  }

  /** For {@link runTransaction}. */
  end(isCommitted: boolean): void {
    this.ending = { isCommitted };
    for (const listener of this.listeners) listener(isCommitted);
  }

  /** For {@link runTransaction}: sends what was kept for the end, without waiting, in one packet. */
  sendLast(): Promise<unknown>[] {
    return inOnePacket(this.client, () =>
      this.last.splice(0).map(async ({ statement, values, onRows, explain, within }) => {
        const { rows } = await context
          .with(within, () => this.execute(statement, values))
          .catch((error: unknown) => {
            throw explain(error);
          });
        onRows?.(rows as never[]);
      }),
    );
  }

  /** For {@link runTransaction}: all that COMMIT does not wait for, in the order in which the server meets it. */
  outcomes(): readonly Promise<unknown>[] {
    return this.expected;
  }

  /** For {@link runTransaction}: where something is waited for, the last statements need not wait with it. */
  async settled(): Promise<void> {
    if (this.checks.length + this.afterwards.length === 0) return;
    const sent = this.sendLast();
    const failing = new Promise<never>((_, reject) =>
      [...this.expected, ...sent].forEach((each) => each.catch(reject)),
    );
    // In the order in which the server meets them: the first that fails is the cause, and the others fail for it.
    await Promise.race([Promise.all([...this.checks, ...this.afterwards.map((step) => step())]), failing]);
    this.expected.push(...sent);
  }

  private async execute(statement: Statement, values: readonly unknown[]) {
    if (this.isOver) throw new Error(`the transaction had ended before ${statement.name}`);
    const span = startSpan(statement);
    this.clock.sent();
    try {
      const result = await sendStatement(this.client, statement, values.map(parameter));
      this.tell(statement, result.rowCount ?? 0);
      return result;
    } catch (error) {
      this.tell(statement, undefined, error);
      span?.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).name });
      throw error;
    } finally {
      span?.end();
    }
  }

  private tell({ name, text, isPrepared }: Statement, rows: number | undefined, error?: unknown): void {
    const duration_ms = this.clock.answered();
    if (statementExecutions.hasSubscribers)
      statementExecutions.publish({
        name: isPrepared === false ? undefined : name,
        text,
        duration_ms,
        rows,
        error,
        tenant: this.tenant,
      } satisfies StatementExecution);
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
export async function runTransaction<T>(
  client: PoolClient,
  work: (tx: Transaction) => Promise<T>,
  tenant: Tenant = EVERY_TENANT,
  options: TransactionOptions = {},
): Promise<T> {
  const tx = new Transaction(client, tenant);
  let isCommitted = false;
  try {
    const result = await carryOut(client, tx, work, () => said(client, tenant, options.plans ?? 'chosen'));
    await commit(client, tx);
    isCommitted = true;
    return result;
  } finally {
    tx.close();
    tx.end(isCommitted);
  }
}

/** One statement outside any transaction of ours, for whom the connection is to speak. */
export async function runAlone<T>(
  client: PoolClient,
  run: (statement: Transaction) => Promise<T>,
  tenant: Tenant,
): Promise<T> {
  // Now and then, among batches: not worth telling the connection, and after it again.
  const saying = said(client, tenant, 'either');
  const running = run(new Transaction(client, tenant));
  if (!saying) return running;
  const [result] = await Promise.all([running, saying]);
  return result;
}

/** Has the connection told whom it speaks for, and how it is to plan, where it does not know; what is said leaves with what follows. */
function said(client: PoolClient, tenant: Tenant, plans: Plans): Promise<unknown> | undefined {
  if (speaksFor(client, tenant) && plansBy(client, plans)) return undefined;
  corkForThisTurn(client);
  return Promise.all([speakFor(client, tenant), planBy(client, plans)]);
}

/** All of a transaction but its COMMIT. */
async function carryOut<T>(
  client: PoolClient,
  tx: Transaction,
  work: (tx: Transaction) => Promise<T>,
  say: () => Promise<unknown> | undefined,
): Promise<T> {
  // BEGIN goes out with all that the work says before it waits for an answer: one round trip less in every transaction.
  corkForThisTurn(client);
  const saying = say();
  const begun = client.query('begin');
  const working = begin(work, tx);
  try {
    const [result] = await Promise.all([working, begun, saying]);
    await tx.settled();
    return result;
  } catch (error) {
    tx.close();
    await rollback(client);
    throw tx.causeOf(error);
  }
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
    tx.close();
    crashAt('commit-sent');
    const outcomes = await Promise.allSettled([...tx.outcomes(), ...sent]);
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
