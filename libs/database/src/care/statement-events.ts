import { channel } from 'node:diagnostics_channel';
import type { Tenant } from '../walls.js';

/** One execution of a statement, told when the server has answered it. Parameters are not part of it: they may be secrets. */
export interface StatementExecution {
  /** As in `statement()`; undefined for a text that is parsed and planned anew each time: one of many, or one that an ORM made up. */
  readonly name: string | undefined;
  /** With placeholders only. */
  readonly text: string;
  /** From when the server could begin with it, which in a pipeline is when it had answered the one before. */
  readonly duration_ms: number;
  /** Rows returned or touched; undefined when it failed. */
  readonly rows: number | undefined;
  readonly error: unknown;
  /** Whom the connection spoke for; undefined for what an ORM made up. */
  readonly tenant?: Tenant;
}

/**
 * Where every execution in this process is told: the slow-statement log and the metrics listen in the product, the statement
 * counts of the specs in tests. A channel of Node's, so that whoever executes need not know who listens.
 */
export const statementExecutions = channel('payflow.database.statement-executions');

/** Hears every execution in this process, from all its pools, until the returned function is called. Must be quick and not throw. */
export function onStatement(listener: (execution: StatementExecution) => void): () => void {
  const heard = (message: unknown): void => listener(message as StatementExecution);
  statementExecutions.subscribe(heard);
  return () => {
    statementExecutions.unsubscribe(heard);
  };
}
