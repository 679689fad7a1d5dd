import type { ConnectionLimits, Values } from '@payflow/service';
import { Networks, plainAddress, subjectOf } from '../watch/networks.js';
import type { watchFields } from '../watch/watch.config.js';
import type { loadFields } from './load.config.js';

type Configuration = Pick<Values<typeof loadFields>, 'MAX_CONNECTIONS' | 'MAX_CONNECTIONS_PER_ADDRESS'> &
  Pick<Values<typeof watchFields>, 'TRUSTED_PROXIES' | 'TRUSTED_NETWORKS'>;

/**
 * How many connections there may be, in all and of one client. A proxy's are those of all who are behind it, and whom it speaks for
 * is known only when a request has come: these it has to limit itself.
 */
export function connectionLimits(config: Configuration): ConnectionLimits {
  const forMany = new Networks([...(config.TRUSTED_PROXIES ?? []), ...config.TRUSTED_NETWORKS]);
  return {
    connections_max: config.MAX_CONNECTIONS,
    perAddress: {
      connections_max: config.MAX_CONNECTIONS_PER_ADDRESS,
      subjectOf: (peer) => {
        const address = plainAddress(peer) ?? peer;
        return forMany.has(address) ? undefined : subjectOf(address);
      },
    },
  };
}
