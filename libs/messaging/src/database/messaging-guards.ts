import { SqlMigration, TRUNCATE_GUARDS } from '@payflow/database';

/** Partitions that nobody can empty, and how many lie ahead. Functions only: locks nothing. */
export class MessagingGuards1763700013000 extends SqlMigration {
  readonly sql = TRUNCATE_GUARDS;
}
