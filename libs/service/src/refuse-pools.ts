import type { Service } from '@payflow/contracts';
import { capacityOf, type Database } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import type { CommonConfiguration } from './configuration/common-fields.js';
import { ConfigurationError } from './configuration/configuration.js';

const log = logger('database');

/**
 * Refuses pools that the server could never fill: their last connections would be refused in the first busy minute. What others
 * hold now is only warned of, since a service must be able to start again in a storm. Closes the pools, so that the process can end.
 */
export async function refusePools(service: Service, db: Database, config: CommonConfiguration): Promise<void> {
  const wanted = config.DATABASE_POOL_SIZE + config.DATABASE_MAX_OVERFLOW;
  const { limit, bound, others } = await capacityOf(db);
  if (wanted > limit) {
    await db.close();
    throw new ConfigurationError(service, [
      `DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW come to ${wanted} connections, and there are ${limit}: ${bound}`,
    ]);
  }
  if (wanted > limit - others)
    log.warn({ wanted, limit, bound, others }, 'others leave fewer connections than the pools may need');
}
