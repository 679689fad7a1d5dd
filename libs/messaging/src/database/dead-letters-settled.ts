import { SqlMigration } from '@payflow/database';

/** A record that was never applied, and needs nobody any more: refused, or discarded. Of the few rows there are, all are looked at. */
export class DeadLettersSettled1764700000121 extends SqlMigration {
  readonly sql = `
alter table dead_letters drop constraint dead_letters_state_check;
alter table dead_letters add constraint dead_letters_state_check check (state in ('dead', 'replaying', 'replayed', 'settled'));`;
}
