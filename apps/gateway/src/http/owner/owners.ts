import type { Drain } from '@payflow/service';
import type { GatewayConfiguration } from '../../gateway.config.js';
import { OwnerClient } from './owner-client.js';
import { Http1Transport } from './http1.js';
import { Http2Transport } from './http2.js';

/** The client to one owner's read API, closed in the drain. */
export function ownerClient(
  owner: 'ledger' | 'monitoring' | 'payments',
  config: GatewayConfiguration,
  drain: Drain,
): OwnerClient {
  const base = {
    ledger: config.PAYFLOW_INTERNAL_LEDGER_URL,
    monitoring: config.PAYFLOW_INTERNAL_MONITORING_URL,
    payments: config.PAYFLOW_INTERNAL_PAYMENTS_URL,
  }[owner];
  const client = new OwnerClient(
    owner,
    config.PAYFLOW_INTERNAL_HTTP_VERSION === '2' ? new Http2Transport(base) : new Http1Transport(base),
    config.PAYFLOW_INTERNAL_SECRET,
    config.PAYFLOW_INTERNAL_READ_TIMEOUT,
  );
  drain.on('pools', `owner.${owner}`, () => client.close());
  return client;
}
