import { isDeepStrictEqual } from 'node:util';
import { OPERATION_KINDS, uuidOf, type OperationEnded, type OperationKind } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { ArchivedEvent, Published } from './archived-events.js';

type Told = `payflow.${OperationKind}.${OperationEnded['status']}.v1`;
const TYPES = (Object.keys(OPERATION_KINDS) as OperationKind[]).flatMap((kind): Told[] => [
  `payflow.${kind}.succeeded.v1`,
  `payflow.${kind}.failed.v1`,
]);
type OperationEvent = ArchivedEvent<Told, OperationEnded>;

const KEPT = statement(
  'cli.kept-operations',
  `select c.nth::integer as nth, json_build_array(o.kind, o.status, o.payment_id, o.amount_minor::text, o.failure_code, o.reason, o.metadata,
     o.command_id) as facts
   from unnest($1::uuid[], $2::boolean[], $3::uuid[]) with ordinality as c (tenant_id, livemode, id, nth)
   join payment_operations o using (tenant_id, livemode, id)`,
);

/** Captures, refunds and all else that was asked of payments, where it did not end as was told (I16): each is told once, when it ends. */
export const publishedOperations: Published<Told, OperationEnded> = { types: TYPES, faultsOf };

async function faultsOf(payments: Database, published: readonly OperationEvent[]): Promise<string[]> {
  const rows = await payments.rows<{ nth: number; facts: unknown }>(KEPT, [
    published.map(({ tenant_id }) => tenant_id),
    published.map(({ livemode }) => livemode),
    published.map(({ data }) => uuidOf(OPERATION_KINDS[data.kind], data.id)),
  ]);
  const kept = new Map(rows.map((row) => [row.nth, row]));
  return published.flatMap(({ subject, data }, at) => {
    const row = kept.get(at + 1);
    if (row !== undefined && isDeepStrictEqual(row.facts, factsOf(data))) return [];
    return [`${subject} ${row === undefined ? 'was published and is gone' : 'is not what was published'}`];
  });
}

const AMOUNT_MAX = 2n ** 63n - 1n;

function factsOf(told: OperationEnded): unknown[] {
  const { kind, status, payment, amount, failure, reason, metadata, command } = told;
  return [
    kind,
    status,
    uuidOf('payment', payment.id),
    amount !== null && isKept(BigInt(amount)) ? amount : null,
    failure?.code ?? null,
    reason,
    metadata,
    uuidOf('event', command),
  ];
}

/** What was refused for its amount may have asked for one that no column takes. */
function isKept(amount: bigint): boolean {
  return amount > 0n && amount <= AMOUNT_MAX;
}
