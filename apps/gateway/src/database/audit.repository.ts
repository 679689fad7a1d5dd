import { fromUuid, newUuid, toUuid, uuidOf } from '@payflow/contracts';
import { joinJson, statement, type Database, type Transaction } from '@payflow/database';
import type { AuditEntry, AuditView } from '../domain/audit.js';
import { seenBy, tenantUuid, type Owner } from './keys.js';
import { compare, CREATED_CONDITIONS, ListStatements, type Page } from './list-statement.js';

// What stood there before is read by the same statement: it costs no round trip, and nobody can have changed it in between but
// who commits first. The instant is kept as it is shown: who asks for what was made until then is given it.
const VIEW = 'v.tenant_id = e.view_tenant_id and v.livemode = e.livemode';
const ADD = statement(
  'audit-log.add',
  `insert into audit_log (tenant_id, livemode, id, created_at, actor, actor_kind, operation, resource, before, after, address,
     request_id, trace_id)
   select tenant_id, livemode, id, date_trunc('milliseconds', clock_timestamp()), actor, actor_kind, operation, resource,
     coalesce(case view
       when 'limit' then (select v.content from limit_views v where ${VIEW} and v.id = e.view_id)
       when 'risk_rule' then (select v.content from risk_rule_views v where ${VIEW} and v.id = e.view_id)
       when 'review' then (select v.content from review_views v where ${VIEW} and v.id = e.view_id)
       when 'account' then (
         select json_build_object('status', v.status, 'overdraft', v.overdraft, 'overdraft_limit', v.overdraft_limit_minor::text,
           'metadata', v.metadata, 'version', v.version) from account_views v where ${VIEW} and v.id = e.view_id)
       when 'transaction_type' then (
         select json_build_object('debit', v.debit, 'credit', v.credit, 'template', v.template, 'version', v.version)
         from transaction_type_views v where ${VIEW} and v.name = e.resource)
     end, before),
     after, address, request_id, trace_id
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
     string_to_array($8, chr(30))::json[], string_to_array($9, chr(30))::json[], $10::text[], $11::text[], $12::text[],
     $13::text[], $14::uuid[], $15::uuid[])
     as e (tenant_id, livemode, id, actor, actor_kind, operation, resource, before, after, address, request_id, trace_id, view,
       view_tenant_id, view_id)`,
);

/** Writes entries down, together with COMMIT: nothing of them is waited for, and without them nothing is changed. */
export function addAuditEntries(tx: Transaction, changes: readonly AuditEntry[]): void {
  if (changes.length === 0) return;
  const entries = changes.flatMap(inEachLog);
  const json = (values: readonly unknown[]): string => joinJson(values.map((value) => JSON.stringify(value ?? null)));
  const of = <T>(column: (entry: AuditEntry) => T): T[] => entries.map(column);
  tx.atCommit(ADD, [
    of(({ origin }) => tenantUuid(origin.organisation)),
    of(({ origin }) => origin.livemode),
    of(newUuid),
    of(({ origin }) => origin.actor),
    of(({ origin }) => origin.kind),
    of(({ origin }) => origin.operation),
    of(({ resource }) => resource),
    json(of(({ before }) => before)),
    json(of(({ after }) => after)),
    of(({ origin }) => origin.address),
    of(({ origin }) => origin.requestId),
    of(({ origin }) => origin.traceId ?? null),
    of(({ view }) => view?.of ?? null),
    of(({ view }) => (view ? tenantUuid(view.tenant) : null)),
    of(({ view }) => view?.uuid ?? null),
  ]);
}

/**
 * A user is the same in both modes: what was done about one with a test credential stands in the live log as well, or whoever reads
 * that would hear nothing of an owner who was made, or of passwords that were tried, in the other.
 */
function inEachLog(entry: AuditEntry): AuditEntry[] {
  const isUser = entry.resource !== null && toUuid('user', entry.resource) !== undefined;
  return (isUser || entry.isOfUser === true) && !entry.origin.livemode
    ? [entry, { ...entry, origin: { ...entry.origin, livemode: true } }]
    : [entry];
}

/** Which entries a list shows; instants are RFC 3339. */
export interface AuditFilter {
  readonly actor?: string;
  readonly operation?: string;
  readonly resource?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

interface AuditRow {
  readonly id: string;
  readonly place: string;
  readonly livemode: boolean;
  readonly actor: string;
  readonly actor_kind: 'key' | 'user';
  readonly operation: string;
  readonly resource: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly address: string;
  readonly request_id: string;
  readonly trace_id: string | null;
}

// Entries of old are kept to the microsecond, and nobody may change them: a place that is told by milliseconds alone would lie before
// some of those that were made within one.
const PLACE = `to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export const AUDIT_LISTS = new ListStatements<AuditFilter>(
  'audit_log',
  `id, ${PLACE} as place, livemode, actor, actor_kind, operation, resource, before, after, address, request_id, trace_id`,
  {
    actor: compare('a', 'actor'),
    operation: compare('o', 'operation'),
    resource: compare('r', 'resource'),
    ...CREATED_CONDITIONS,
  },
);

/** Up to `limit` entries of the organisation's log that pass the filter, newest first, after the position. */
export async function listAuditEntries(db: Database, owner: Owner, page: Page<AuditFilter>): Promise<AuditView[]> {
  const list = AUDIT_LISTS.of(owner, page, (id) => uuidOf('auditEntry', id));
  return (await seenBy(db, owner).rows<AuditRow & Record<string, unknown>>(...list)).map(toView);
}

function toView({ actor_kind, place, request_id, trace_id, id, ...row }: AuditRow): AuditView {
  return {
    ...row,
    id: fromUuid('auditEntry', id),
    createdAt: place,
    actorKind: actor_kind,
    requestId: request_id,
    traceId: trace_id,
  };
}
