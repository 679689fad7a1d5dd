import { fromUuid, uuidOf, type NewNetwork } from '@payflow/contracts';
import { statement, Unnested, type Transaction } from '@payflow/database';
import { tenantOf, tenantUuid, type Owner } from './keys.js';

/** A key was used from a network. */
export interface NetworkUse extends Owner {
  readonly key: string;
  readonly network: string;
  readonly address: string;
}

/** A network that a key was not used from before. */
export interface SeenNetwork extends Owner {
  readonly seen: NewNetwork;
}

interface SeenRow {
  tenant_id: string;
  livemode: boolean;
  api_key_id: string;
  network: string;
  first_address: string;
  first_seen_at: Date;
  networks_before: number;
}

const USES = new Unnested<NetworkUse>([
  ['tenant_id', 'uuid', ({ tenant }) => tenantUuid(tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['api_key_id', 'uuid', ({ key }) => uuidOf('apiKey', key)],
  ['network', 'text', ({ network }) => network],
  ['first_address', 'text', ({ address }) => address],
]);

// In order, because several processes add the same. Of several that are new at once, each sees those that were there before.
const ADD = statement(
  'api-key-networks.add',
  `insert into api_key_networks as k (${USES.names})
   select n.tenant_id, n.livemode, n.api_key_id, n.network::cidr, n.first_address::inet
   from ${USES.from(1)} join api_keys a on (a.tenant_id, a.livemode, a.id) = (n.tenant_id, n.livemode, n.api_key_id)
   order by 1, 2, 3, 4
   on conflict do nothing
   returning tenant_id, livemode, api_key_id, network::text as network, host(first_address) as first_address, first_seen_at,
     (select count(*)::integer from api_key_networks b
      where (b.tenant_id, b.livemode, b.api_key_id) = (k.tenant_id, k.livemode, k.api_key_id)) as networks_before`,
);

/** Notes from where keys were used. Returns what is new, but for a key's first network. */
export async function addKeyNetworks(tx: Transaction, uses: readonly NetworkUse[]): Promise<SeenNetwork[]> {
  const seen: SeenNetwork[] = [];
  for (const values of USES.batches(uses)) seen.push(...(await tx.rows<SeenRow>(ADD, values)).map(toSeen));
  return seen.filter(({ seen: { networks_before } }) => networks_before > 0);
}

function toSeen(row: SeenRow): SeenNetwork {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    seen: {
      key: fromUuid('apiKey', row.api_key_id),
      network: row.network,
      address: row.first_address,
      networks_before: row.networks_before,
      seen_at: row.first_seen_at.toISOString(),
    },
  };
}
