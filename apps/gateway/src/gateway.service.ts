import type { ServiceDefinition } from '@payflow/service';
import { GatewayCaches } from './cache/gateway-caches.js';
import { gatewayConfiguration } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import type { ApiKeys } from './http/authentication.js';
import { serveDocs } from './http/docs.js';
import { gatewayEdge, withVersion } from './http/edge.js';

/** The gateway as `runService` boots it; tests boot the same. */
export function gatewayService(): ServiceDefinition<typeof gatewayConfiguration> {
  let keys: ApiKeys | undefined;
  return {
    configuration: gatewayConfiguration,
    module: (config) => GatewayModule.with(config),
    rewriteUrl: withVersion,
    edge: (fastify) => gatewayEdge(fastify, () => keys as ApiKeys),
    prepare: (app) => {
      keys = app.get(GatewayCaches).apiKeys;
      serveDocs(app);
    },
  };
}
