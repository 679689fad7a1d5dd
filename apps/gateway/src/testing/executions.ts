import { AsyncLocalStorage } from 'node:async_hooks';
import { onStatement, Transaction, type Statement, type StatementExecution } from '@payflow/database';

const listening = new AsyncLocalStorage<StatementExecution[]>();
let isListening = false;

/** What the work executes, its own alone: what it asks of a server in this process must be injected. */
export async function executionsOf<T>(work: () => Promise<T>): Promise<[T, StatementExecution[]]> {
  if (!isListening) {
    isListening = true;
    onStatement((execution) => listening.getStore()?.push(execution));
  }
  const executions: StatementExecution[] = [];
  return [await listening.run(executions, work), executions];
}

/** The statement as somebody would write it who forgets whose rows he asks for. */
function forgetful({ name, text }: Statement): Statement {
  const forgotten = text.replaceAll(/(\w+\.)?tenant_id = \$1/g, () => '($1::uuid is not null)');
  return forgotten === text ? { name, text } : { name: `mutant.${name}`.slice(0, 63), text: forgotten };
}

/** Runs the work in a process whose every statement has forgotten its filter by tenant. */
export async function withoutTenantFilters<T>(work: () => Promise<T>): Promise<T> {
  const { rows } = Transaction.prototype;
  Transaction.prototype.rows = function (this: Transaction, statement: Statement, values?: readonly unknown[]) {
    return rows.call(this, forgetful(statement), values);
  } as typeof rows;
  try {
    return await work();
  } finally {
    Transaction.prototype.rows = rows;
  }
}
