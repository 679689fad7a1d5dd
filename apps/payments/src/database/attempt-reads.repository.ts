import { fromUuid, uuidOf, type AttemptStatus, type NewsSource } from '@payflow/contracts';
import { keyset, statement, type Database } from '@payflow/database';

/** What is shown of one attempt, the last that were said: a webhook may come again and again. */
const WORDS_MAX = 50;

const OLDEST_FIRST = keyset('asc', 'a.created_at', 'a.id');

const COLUMNS = `a.id, a.payment_id, a.operation_id, o.kind, a.action, a.status, a.number, a.amount_minor, a.asset, a.connector,
     a.routing, a.code, a.provider_reference, a.inquiries, a.needs_attention, a.sent_at, a.unknown_at, a.created_at, a.updated_at,
     (extract(epoch from a.created_at) * 1000000)::bigint as created_us, coalesce(e.words, '[]') as words`;

// What the provider said is kept whole, and shown in short: its own words are nobody's but ours.
const WORDS = `cross join lateral (
     select json_agg(json_build_object('source', source, 'outcome', outcome, 'code', code, 'believed', believed,
       'received_ms', floor(extract(epoch from received_at) * 1000)) order by received_at, id) as words
     from (select id, source, outcome, code, believed, received_at from provider_evidence
       where attempt_id = a.id and tenant_id = a.tenant_id and livemode = a.livemode
       order by received_at desc limit ${WORDS_MAX}) as last) as e`;

const BEHIND = `${OLDEST_FIRST.behind(["'epoch'::timestamptz + $3::bigint * interval '1 microsecond'", '$4'])}
   ${OLDEST_FIRST.orderBy} limit $5`;

// By its operations, which are found by their payment; an attempt is found by its operation.
const OF_PAYMENT = statement(
  'attempt-reads.of-payment',
  `select ${COLUMNS}
   from payment_operations o
     join attempts a on a.tenant_id = o.tenant_id and a.livemode = o.livemode and a.operation_id = o.id
     ${WORDS}
   where o.tenant_id = $1 and o.livemode = $2 and o.payment_id = $6 and ${BEHIND}`,
);

const IN_NEED = statement(
  'attempt-reads.in-need',
  `select ${COLUMNS}
   from attempts a
     join payment_operations o on o.tenant_id = a.tenant_id and o.livemode = a.livemode and o.id = a.operation_id
     ${WORDS}
   where a.tenant_id = $1 and a.livemode = $2 and a.needs_attention and ${BEHIND}`,
);

/** Where a page begins: behind an attempt, by when it was made, µs since 1970, and its UUID. */
export interface AttemptPlace {
  readonly created_us: bigint;
  readonly id: string;
}

const BEFORE_ALL: AttemptPlace = { created_us: 0n, id: '00000000-0000-0000-0000-000000000000' };

export interface AttemptPage {
  readonly after: AttemptPlace | undefined;
  readonly limit: number;
}

/** A word of a provider, or of a human, without its content. */
export interface ToldWord {
  readonly source: NewsSource;
  readonly outcome: string;
  readonly code: string | null;
  readonly believed: boolean;
  readonly receivedAt: Date;
}

export interface ToldAttempt {
  readonly id: string;
  readonly payment: string;
  readonly operation: { readonly uuid: string; readonly kind: string };
  readonly action: string;
  readonly status: AttemptStatus;
  readonly number: number;
  readonly amount: bigint | null;
  readonly asset: string;
  readonly connector: string | null;
  readonly routing: object | null;
  readonly code: string | null;
  readonly reference: string | null;
  readonly inquiries: number;
  readonly needsAttention: boolean;
  /** Oldest first, the last 50. */
  readonly words: readonly ToldWord[];
  readonly sentAt: Date | null;
  readonly unknownAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly place: AttemptPlace;
}

interface Owner {
  readonly tenant: string;
  readonly livemode: boolean;
}

interface Row {
  readonly id: string;
  readonly payment_id: string;
  readonly operation_id: string;
  readonly kind: string;
  readonly action: string;
  readonly status: AttemptStatus;
  readonly number: number;
  readonly amount_minor: bigint | null;
  readonly asset: string;
  readonly connector: string | null;
  readonly routing: object | null;
  readonly code: string | null;
  readonly provider_reference: string | null;
  readonly inquiries: number;
  readonly needs_attention: boolean;
  readonly sent_at: Date | null;
  readonly unknown_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly created_us: bigint;
  readonly words: readonly (Omit<ToldWord, 'receivedAt'> & { readonly received_ms: number })[];
}

/** What was asked of providers for a payment, oldest first. */
export async function attemptsOf(
  db: Database,
  owner: Owner,
  payment: string,
  page: AttemptPage,
): Promise<readonly ToldAttempt[]> {
  return (await db.rows<Row>(OF_PAYMENT, [...parameters(owner, page), uuidOf('payment', payment)])).map(toAttempt);
}

/** Attempts of an organisation whose end only a human can find out, oldest first. */
export async function attemptsWaiting(db: Database, owner: Owner, page: AttemptPage): Promise<readonly ToldAttempt[]> {
  return (await db.rows<Row>(IN_NEED, parameters(owner, page))).map(toAttempt);
}

function parameters({ tenant, livemode }: Owner, { after = BEFORE_ALL, limit }: AttemptPage): unknown[] {
  return [uuidOf('tenant', tenant), livemode, after.created_us, after.id, limit];
}

function toAttempt(row: Row): ToldAttempt {
  return {
    id: fromUuid('attempt', row.id),
    payment: fromUuid('payment', row.payment_id),
    operation: { uuid: row.operation_id, kind: row.kind },
    action: row.action,
    status: row.status,
    number: row.number,
    amount: row.amount_minor,
    asset: row.asset,
    connector: row.connector,
    routing: row.routing,
    code: row.code,
    reference: row.provider_reference,
    inquiries: row.inquiries,
    needsAttention: row.needs_attention,
    words: row.words.map(({ received_ms, ...word }) => ({ ...word, receivedAt: new Date(received_ms) })),
    sentAt: row.sent_at,
    unknownAt: row.unknown_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    place: { created_us: row.created_us, id: row.id },
  };
}
