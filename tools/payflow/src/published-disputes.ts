import { isDeepStrictEqual } from 'node:util';
import { uuidOf, type DisputeSnapshot } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { ArchivedEvent, Published } from './archived-events.js';

const CHANGES = ['opened', 'updated', 'evidence_submitted', 'won', 'lost'] as const;
type Told = `payflow.dispute.${(typeof CHANGES)[number]}.v1`;
const TYPES: readonly Told[] = CHANGES.map((change) => `payflow.dispute.${change}.v1` as const);
type DisputeEvent = ArchivedEvent<Told, DisputeSnapshot>;

const KEPT = statement(
  'cli.kept-disputes',
  `select c.nth::integer as nth, d.version::integer as version, json_build_array(d.payment_id, d.connector, d.provider_reference, d.status,
     d.leg, d.leg_reason, d.amount_minor::text, d.asset, d.reason, d.source_account_id, d.destination_account_id, d.transfer_id,
     d.return_transfer_id) as facts
   from unnest($1::uuid[], $2::boolean[], $3::uuid[]) with ordinality as c (tenant_id, livemode, id, nth)
   join disputes d using (tenant_id, livemode, id)`,
);

/** Disputes that are not what was told of them last (I16): every change is one version more. */
export const publishedDisputes: Published<Told, DisputeSnapshot> = { types: TYPES, faultsOf };

async function faultsOf(payments: Database, published: readonly DisputeEvent[]): Promise<string[]> {
  const rows = await payments.rows<{ nth: number; version: number; facts: unknown }>(KEPT, [
    published.map(({ tenant_id }) => tenant_id),
    published.map(({ livemode }) => livemode),
    published.map(({ data }) => uuidOf('dispute', data.id)),
  ]);
  const kept = new Map(rows.map((row) => [row.nth, row]));
  return published.flatMap(({ data }, at) => {
    const row = kept.get(at + 1);
    if (row === undefined) return [`${data.id} was published and is gone`];
    if (row.version > data.version) return [];
    const isSame = row.version === data.version && isDeepStrictEqual(row.facts, factsOf(data));
    return isSame ? [] : [`${data.id} is not what was published`];
  });
}

function factsOf(told: DisputeSnapshot): unknown[] {
  const transferUuid = (id: string | null) => id && uuidOf('transfer', id);
  return [
    uuidOf('payment', told.payment),
    told.connector,
    told.provider_reference,
    told.status,
    told.leg,
    told.leg_reason,
    told.amount,
    told.asset,
    told.reason,
    uuidOf('account', told.source),
    uuidOf('account', told.destination),
    transferUuid(told.transfer),
    transferUuid(told.return_transfer),
  ];
}
