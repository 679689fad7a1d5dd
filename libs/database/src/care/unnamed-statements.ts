import { EventSubscriber, type EntitySubscriberInterface } from 'typeorm';
import type { AfterQueryEvent } from 'typeorm/subscriber/event/QueryEvent.js';
import { statementExecutions, type StatementExecution } from './statement-events.js';

const TRANSACTION_CONTROL = /^\s*(begin|start transaction|commit|rollback|savepoint|release)\b/i;

/**
 * Tells of the statements that TypeORM makes up. They have no name and are prepared under none, so they count against the share
 * that is; what is not sent through an entity's repository never comes by here.
 */
@EventSubscriber()
export class UnnamedStatements implements EntitySubscriberInterface {
  afterQuery({ query, executionTime = 0, success, rawResults }: AfterQueryEvent): void {
    if (!statementExecutions.hasSubscribers || TRANSACTION_CONTROL.test(query)) return;
    statementExecutions.publish({
      name: undefined,
      text: query,
      duration_ms: executionTime,
      rows: success ? ((rawResults as { rowCount?: number | null } | undefined)?.rowCount ?? 0) : undefined,
      error: success ? undefined : new Error('the statement failed'),
    } satisfies StatementExecution);
  }
}
