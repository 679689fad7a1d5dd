import { limitConnections, tlsIdentity, type ServiceDefinition } from '@payflow/service';
import { GatewayCaches } from './cache/gateway-caches.js';
import { KeyUses } from './cache/key-uses.js';
import { gatewayConfiguration } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import type { Door } from './http/edge/authentication.js';
import { serveDocs } from './http/docs/docs.js';
import { holdsCardNumber } from './http/edge/card-numbers.js';
import { gatewayEdge, routelessHeaders, withVersion } from './http/edge/edge.js';
import { Admission } from './load/admission.js';
import { connectionLimits } from './load/connection-limits.js';
import { Watch } from './watch/watch.js';
import { tellViewLag, ViewLag } from './http/answers/view-lag.js';

/** The gateway as `runService` boots it; tests boot the same. */
export function gatewayService(): ServiceDefinition<typeof gatewayConfiguration> {
  let door: Door | undefined;
  let lag: ViewLag | undefined;
  return {
    configuration: gatewayConfiguration,
    module: (config) => GatewayModule.with(config),
    rewriteUrl: withVersion,
    keepsName: (name) => !holdsCardNumber(name),
    tls: tlsIdentity,
    routeless: routelessHeaders,
    edge: async (fastify, config) => {
      limitConnections(fastify.server, connectionLimits(config));
      await gatewayEdge(fastify, config, { door: () => door as Door, admission: new Admission(config) });
      tellViewLag(fastify, () => lag);
    },
    prepare: (app) => {
      const { apiKeys: keys, accessTokens: tokens, testSpaces: spaces } = app.get(GatewayCaches);
      door = { keys, tokens, spaces, uses: app.get(KeyUses), watch: app.get(Watch) };
      lag = app.get(ViewLag);
      serveDocs(app);
    },
  };
}
