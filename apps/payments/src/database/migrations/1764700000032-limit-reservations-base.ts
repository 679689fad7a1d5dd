import { SqlMigration } from '@payflow/database';

/**
 * What of a reservation is the payment as it was made, and not what was added to it since. Null where that was not noted: then all
 * is taken to be. A new column without a default: locks the table for an instant.
 */
export class LimitReservationsBase1764700000032 extends SqlMigration {
  readonly sql = `alter table limit_reservations add column base_minor bigint;`;
}
