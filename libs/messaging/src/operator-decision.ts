import { statement, type Database, type Transaction } from '@payflow/database';

const NOTE = statement(
  'operator-decisions.note',
  'insert into operator_decisions (decision, details, actor, reason) values ($1, $2, $3, $4)',
);

/** What an operator has done by hand: to a service's reading or sending; in payments' database, to how payments are routed. */
export interface OperatorDecision {
  readonly decision: 'position_moved' | 'republished' | 'route_put' | 'route_removed';
  readonly details: object;
  readonly actor: string;
  readonly reason: string;
}

/** Keeps who decided it, and why: for good. */
export async function noteDecision(
  db: Database | Transaction,
  { decision, details, actor, reason }: OperatorDecision,
): Promise<void> {
  await db.count(NOTE, [decision, JSON.stringify(details), actor, reason]);
}
