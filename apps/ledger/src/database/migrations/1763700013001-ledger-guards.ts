import { SqlMigration } from '@payflow/database';

/** Nobody empties or rewrites history, owner included. Each trigger locks its table against writes for a moment. */
export class LedgerGuards1763700013001 extends SqlMigration {
  readonly sql = `
create trigger balance_snapshots_append_only before update or delete on balance_snapshots for each row execute function refuse_change();

select guard_history(history, 'refuse_change')
from unnest(array['transfers', 'verdicts', 'seals', 'signing_keys', 'balance_snapshots']::regclass[]) as history;
`;
}
