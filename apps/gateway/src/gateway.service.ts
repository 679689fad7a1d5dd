import type { ServiceDefinition } from '@payflow/service';
import { GatewayCaches } from './cache/gateway-caches.js';
import { KeyUses } from './cache/key-uses.js';
import { gatewayConfiguration } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import type { Door } from './http/authentication.js';
import { serveDocs } from './http/docs.js';
import { gatewayEdge, withVersion } from './http/edge.js';

/** The gateway as `runService` boots it; tests boot the same. */
export function gatewayService(): ServiceDefinition<typeof gatewayConfiguration> {
  let door: Door | undefined;
  return {
    configuration: gatewayConfiguration,
    module: (config) => GatewayModule.with(config),
    rewriteUrl: withVersion,
    edge: (fastify) => gatewayEdge(fastify, () => door as Door),
    prepare: (app) => {
      const { apiKeys: keys, accessTokens: tokens, testSpaces: spaces } = app.get(GatewayCaches);
      door = { keys, tokens, spaces, uses: app.get(KeyUses) };
      serveDocs(app);
    },
  };
}
