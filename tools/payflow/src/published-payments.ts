import { isDeepStrictEqual } from 'node:util';
import { uuidOf, type PaymentSnapshot } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { archivedEvents, type ArchivedEvent } from './archived-events.js';

const STATES = [
  'requires_action',
  'authorized',
  'partially_captured',
  'succeeded',
  'failed',
  'canceled',
  'expired',
  'updated',
] as const;
type Told = `payflow.payment.${(typeof STATES)[number]}.v1`;
const TYPES: readonly Told[] = STATES.map((state) => `payflow.payment.${state}.v1` as const);
type PaymentEvent = ArchivedEvent<Told, PaymentSnapshot>;

const KEPT = statement(
  'cli.kept-payments',
  `select c.nth::integer as nth, p.version::integer as version, json_build_array(p.status, p.source_account_id, p.destination_account_id,
     p.amount_minor::text, p.asset, p.amount_captured_minor::text, p.amount_refunded_minor::text, p.amount_authorized_minor::text, p.capture,
     p.failure_code) as facts
   from unnest($1::uuid[], $2::boolean[], $3::uuid[]) with ordinality as c (tenant_id, livemode, id, nth)
   join payments p using (tenant_id, livemode, id)`,
);

/**
 * Payments that are not what was told of them last (I16): every change of a payment is one version more, and told with all that money
 * goes by. Of those before, the archive alone knows.
 */
export async function paymentsUnlikePublished(payments: Database, archiver: Database): Promise<string[]> {
  const unlike: string[] = [];
  for await (const published of archivedEvents<Told, PaymentSnapshot>(archiver, TYPES))
    unlike.push(...(await faultsOf(payments, published)));
  return unlike;
}

async function faultsOf(payments: Database, published: readonly PaymentEvent[]): Promise<string[]> {
  if (published.length === 0) return [];
  const rows = await payments.rows<{ nth: number; version: number; facts: unknown }>(KEPT, [
    published.map(({ tenant_id }) => tenant_id),
    published.map(({ livemode }) => livemode),
    published.map(({ subject }) => uuidOf('payment', subject)),
  ]);
  const kept = new Map(rows.map((row) => [row.nth, row]));
  return published.flatMap(({ subject, data }, at) => {
    const row = kept.get(at + 1);
    if (row === undefined) return [`${subject} was published and is gone`];
    if (row.version > data.version) return [];
    const isSame = row.version === data.version && isDeepStrictEqual(row.facts, factsOf(data));
    return isSame ? [] : [`${subject} is not what was published`];
  });
}

/** As they lie in the row; an event leaves out what is as it mostly is. */
function factsOf(told: PaymentSnapshot): unknown[] {
  const { status, source, destination, amount, asset, amount_captured, amount_refunded, failure } = told;
  return [
    status,
    uuidOf('account', source),
    uuidOf('account', destination),
    amount,
    asset,
    amount_captured,
    amount_refunded,
    told.amount_authorized ?? amount_captured,
    told.capture ?? 'automatic',
    failure?.code ?? null,
  ];
}
