import type { Provider } from '@nestjs/common';
import { RedisConnection, Wake } from '@payflow/cache';
import type { Database } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { DATABASE, Drain } from '@payflow/service';
import { Alarms } from './alarms.js';
import { BlockLifting } from './block-lifting.js';
import { Blocks } from './blocks.js';
import { Networks } from './networks.js';
import { Rates } from './rates.js';
import { RequestLog } from './request-log.js';
import { Suspicions } from './suspicions.js';
import { Watch } from './watch.js';
import { rateLimitsOf, suspicionLimitsOf, type WatchConfiguration } from './watch.config.js';

/** What it takes to watch the door. */
export function watchProviders(config: WatchConfiguration): Provider[] {
  return [
    {
      provide: BlockLifting,
      inject: [Messaging, Wake],
      useFactory: (messaging: Messaging, wake: Wake) => new BlockLifting(messaging, wake),
    },
    {
      provide: Watch,
      inject: [DATABASE, RedisConnection, Messaging, Wake, Drain],
      useFactory: (db: Database, redis: RedisConnection, messaging: Messaging, wake: Wake, drain: Drain): Watch => {
        // Of all tenants, and not in the way of any: what keeps the house has a connection of its own.
        const own = db.for('relay');
        const blocks = new Blocks(own);
        const alarms = new Alarms({ db: own, messaging, wake, blocks, durations_ms: config.BLOCK_DURATIONS });
        const watch = new Watch({
          rates: new Rates(redis, rateLimitsOf(config), config.RATE_LIMIT_ADDRESS_FACTOR),
          blocks,
          alarms,
          suspicions: new Suspicions(redis, suspicionLimitsOf(config), (suspect) => alarms.suspect(suspect)),
          log: config.REQUEST_LOG ? new RequestLog(own) : undefined,
          trustedNetworks: new Networks(config.TRUSTED_NETWORKS),
          proxies: { proxies: new Networks(config.TRUSTED_PROXIES ?? []), header: config.TRUSTED_PROXY_HEADER },
        });
        watch.open();
        drain.on('flush', 'watch', () => watch.close());
        return watch;
      },
    },
  ];
}
