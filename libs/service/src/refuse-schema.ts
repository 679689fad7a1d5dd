import type { Service } from '@payflow/contracts';
import { schemaGapOf, type Database } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import { ConfigurationError } from './configuration/configuration.js';

const log = logger('database');

export const SCHEMA_AHEAD = ['refuse', 'accept'] as const;

/** Named in the message; a database that was never set up lacks all of them. */
const NAMED_MAX = 3;

/**
 * Refuses a database whose schema is not the one that this version was written for: older, and the first request that needs
 * what is missing fails; newer, and nobody knows what this version would write into it. Somebody who does know, during a
 * roll-out or after a way back, may accept the latter. Closes the pools, so that the process can end.
 */
export async function refuseSchema(
  service: Service,
  db: Database,
  migrations: readonly unknown[],
  ahead: (typeof SCHEMA_AHEAD)[number],
): Promise<void> {
  const { missing, unknown } = await schemaGapOf(db, migrations);
  const problems: string[] = [];
  if (missing.length > 0)
    problems.push(
      `the schema of the database in DATABASE_URL is older than this version: it lacks ${listed(missing)}. Run \`payflow setup\` of this version`,
    );
  if (unknown.length > 0 && ahead === 'refuse')
    problems.push(
      `the schema of the database in DATABASE_URL is newer than this version, which does not know ${listed(unknown)}. Start the version that it is of, or set DATABASE_SCHEMA_AHEAD=accept while that is meant`,
    );
  if (problems.length > 0) {
    await db.close();
    throw new ConfigurationError(service, problems);
  }
  if (unknown.length > 0) log.warn({ unknown }, 'the schema is newer than this version, which is accepted');
}

function listed(names: readonly string[]): string {
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : '';
  return `${names.length} migration${names.length === 1 ? '' : 's'} (${names.slice(0, NAMED_MAX).join(', ')}${more})`;
}
