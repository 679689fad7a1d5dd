import type { Service } from '@payflow/contracts';
import { excessOf, type Database, type Excess, type Rights } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import { ConfigurationError } from './configuration/configuration.js';

const log = logger('database');

/** Named in the message; a role that stands above all grants has one or two, and one that is a little off a few. */
const NAMED_MAX = 10;

/** What a service that logs in with too much power ends with at its start: as one that is configured wrongly. */
export class RoleTooPowerful extends ConfigurationError {
  constructor(service: Service, excess: readonly Excess[]) {
    const named = excess.slice(0, NAMED_MAX).map(({ ability, remedy }) => `it ${ability} (${remedy})`);
    const more = excess.length > NAMED_MAX ? `, and ${excess.length - NAMED_MAX} more` : '';
    super(service, [
      `the database role in DATABASE_URL can do more than the ${service} service needs: ${named.join('; ')}${more}. ` +
        `Run \`payflow setup\` and use the URL that it prints for ${service}, or take away what is named`,
    ]);
    this.name = 'RoleTooPowerful';
  }
}

/**
 * Refuses to go on as a role that can do more than it has to: a fault, or whoever takes over the process, could then change
 * what is never changed. Where a newer schema is accepted (`isAhead`), so is what the newer version was granted on tables: taken away,
 * its services would stand still. Closes the pool, so that the process can end.
 */
export async function refuseExcess(
  service: Service,
  db: Database,
  rights: Rights,
  { isAhead }: { readonly isAhead: boolean },
): Promise<void> {
  const excess = await excessOf(db, rights);
  const refused = excess.filter(({ isGrant }) => !(isAhead && isGrant));
  if (refused.length > 0) {
    await db.close();
    throw new RoleTooPowerful(service, refused);
  }
  if (excess.length > 0) log.warn({ excess }, 'the role can do what a newer version needs, which is accepted');
}
