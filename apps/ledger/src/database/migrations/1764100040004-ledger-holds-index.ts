import { IndexMigration } from '@payflow/database';

/** What is held is added up over all accounts at once: one index of what is pending does for both sides. Concurrently: locks nothing. */
export class LedgerHoldsIndex1764100040004 extends IndexMigration {
  override readonly dropped = ['holds_pending_by_credit'];
}
