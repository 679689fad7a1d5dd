import { SqlMigration } from '@payflow/database';

/** Who defined a route, and why, is kept as well, with the one whose place it took. Locks what `RouteDecisions` does, for as little. */
export class RoutesPut1764700000181 extends SqlMigration {
  readonly sql = `
alter table operator_decisions drop constraint operator_decisions_decision_check,
  add constraint operator_decisions_decision_check
    check (decision in ('position_moved', 'republished', 'route_put', 'route_removed'));
`;
}
