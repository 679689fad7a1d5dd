import { SqlMigration } from '@payflow/database';

/**
 * Who took a route away, and why, is kept as other decisions of operators are. After `OperatorDecisions`, whose table it is. Locks that
 * table, which operators alone write to, for a look at its few rows.
 */
export class RouteDecisions1764700000171 extends SqlMigration {
  readonly sql = `
alter table operator_decisions drop constraint operator_decisions_decision_check,
  add constraint operator_decisions_decision_check check (decision in ('position_moved', 'republished', 'route_removed'));
`;
}
