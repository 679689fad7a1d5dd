import { isDeepStrictEqual } from 'node:util';
import { uuidOf, type PaymentSnapshot } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { ArchivedEvent, Published } from './archived-events.js';

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
     p.failure_code, p.failure_reason, p.method, p.reference, p.metadata, p.customer_id, p.retry_of_id, p.created_at) as facts,
     case when t.version is not null then json_build_array(t.to_status, t.cause_event_id, t.actor) end as change
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[]) with ordinality as c (tenant_id, livemode, id, told_version, nth)
   join payments p using (tenant_id, livemode, id)
   left join payment_transitions t on t.tenant_id = p.tenant_id and t.livemode = p.livemode and t.payment_id = p.id and t.version = c.told_version`,
);
/** Who changed a payment was not kept at first, and nobody is named there. */
const NOBODY_KNOWN = 'payments/migration';

interface KeptRow {
  readonly nth: number;
  readonly version: number;
  readonly facts: readonly unknown[];
  /** Null where there is no such version in the log of its changes. */
  readonly change: readonly [status: string, cause: string, actor: string] | null;
}

/**
 * Payments that are not what was told of them last, and changes of them that were told otherwise (I16): every change of a payment is
 * one version more, and told with all that money goes by. What it was before, the archive alone knows. Where payments was set back, a
 * version was published in each of its lives, for a reason of its own: its log has the last of them.
 */
export const publishedPayments: Published<Told, PaymentSnapshot> = { types: TYPES, faultsOf };

async function faultsOf(
  payments: Database,
  published: readonly PaymentEvent[],
  open: Map<string, string>,
): Promise<string[]> {
  const rows = await payments.rows<KeptRow>(KEPT, [
    published.map(({ tenant_id }) => tenant_id),
    published.map(({ livemode }) => livemode),
    published.map(({ subject }) => uuidOf('payment', subject)),
    published.map(({ data }) => data.version),
  ]);
  const kept = new Map(rows.map((row) => [row.nth, row]));
  return published.flatMap((event, at) => {
    const row = kept.get(at + 1);
    const fault = row === undefined ? 'was published and is gone' : faultOf(event, row);
    if (fault !== undefined) return [`${event.subject} ${fault}`];
    const version = `${event.tenant_id}/${event.livemode}/${event.subject}/${event.data.version}`;
    if (hasItsCause(event, row?.change)) open.delete(version);
    else open.set(version, `${event.subject} ${changedOtherwise(event)}`);
    return [];
  });
}

function faultOf(event: PaymentEvent, { version, facts, change }: KeptRow): string | undefined {
  const { data } = event;
  if (version < data.version) return 'is not what was published';
  if (version === data.version && !isDeepStrictEqual(inMilliseconds(facts), factsOf(data)))
    return 'is not what was published';
  return change?.[0] === data.status ? undefined : changedOtherwise(event);
}

const changedOtherwise = ({ data }: PaymentEvent) =>
  `was changed to its version ${data.version} otherwise than was published`;

function hasItsCause({ causation_id, actor }: PaymentEvent, change: KeptRow['change'] | undefined): boolean {
  return change?.[1] === uuidOf('event', causation_id) && (change[2] === actor || change[2] === NOBODY_KNOWN);
}

/** The last of them is an instant, of which the server knows more digits. */
function inMilliseconds(facts: readonly unknown[]): unknown[] {
  return [...facts.slice(0, -1), new Date(String(facts.at(-1))).toISOString()];
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
    failure?.reason ?? null,
    told.method,
    told.reference,
    told.metadata,
    told.customer === undefined ? null : uuidOf('customer', told.customer),
    told.retry_of === undefined ? null : uuidOf('payment', told.retry_of),
    new Date(told.created_at).toISOString(),
  ];
}
