import { SqlMigration } from '@payflow/database';

/** What the running checks look through. The index locks payments against writes while it is built. */
export class PaymentsChecks1763700002001 extends SqlMigration {
  readonly sql = `
create index payments_by_change on payments (updated_at);
`;
}
