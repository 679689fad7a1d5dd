import type { Drain } from '@payflow/service';
import type { GatewayConfiguration } from '../../gateway.config.js';
import { OwnerClient } from '../owner-client.js';
import { Http1Transport } from './http1.js';

/** The client to one owner's read API, closed in the drain. */
export function ownerClient(owner: 'ledger' | 'monitoring', config: GatewayConfiguration, drain: Drain): OwnerClient {
  const base = { ledger: config.PAYFLOW_INTERNAL_LEDGER_URL, monitoring: config.PAYFLOW_INTERNAL_MONITORING_URL }[
    owner
  ];
  const client = new OwnerClient(owner, new Http1Transport(base), config.PAYFLOW_INTERNAL_SECRET);
  drain.on('pools', `owner.${owner}`, () => client.close());
  return client;
}
