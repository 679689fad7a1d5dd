import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, Unnested, type Database } from '@payflow/database';
import { tenantUuid, type Owner } from './keys.js';
import { compare, CREATED_CONDITIONS, ListStatements, type Page } from './list-statement.js';

/** A request and its answer; nothing of what they said. */
export interface LoggedRequest {
  /** Whose credential it came with. */
  readonly owner: Owner | undefined;
  /** UUIDv7. */
  readonly uuid: string;
  /** ms since 1970. */
  readonly at: number;
  readonly method: string;
  /** As it is declared, with the names of its parameters; null where there is none for the path. */
  readonly route: string | null;
  /** Null where the client was gone before the answer. */
  readonly status: number | null;
  readonly duration_us: number;
  readonly requestBytes: number | null;
  readonly responseBytes: number | null;
  readonly actor: string | null;
  readonly address: string | null;
  readonly requestId: string;
  readonly traceId: string | null;
  readonly code: string | null;
}

/** Which requests a list shows; instants are RFC 3339. */
export interface RequestFilter {
  readonly status?: string;
  readonly statusGte?: string;
  readonly statusLt?: string;
  readonly method?: string;
  readonly route?: string;
  readonly actor?: string;
  readonly requestId?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

/** A logged request as the API shows it. */
export interface RequestView {
  readonly id: string;
  readonly createdAt: string;
  readonly method: string;
  readonly route: string | null;
  readonly status: number | null;
  readonly duration_us: number;
  readonly requestBytes: number | null;
  readonly responseBytes: number | null;
  readonly actor: string | null;
  readonly address: string | null;
  readonly requestId: string;
  readonly traceId: string | null;
  readonly code: string | null;
}

const NOBODY = '00000000-0000-0000-0000-000000000000';

const LOGGED = new Unnested<LoggedRequest>([
  ['tenant_id', 'uuid', ({ owner }) => (owner ? tenantUuid(owner.tenant) : NOBODY)],
  ['livemode', 'boolean', ({ owner }) => owner?.livemode ?? false],
  ['created_ms', 'bigint', ({ at }) => at],
  ['id', 'uuid', ({ uuid }) => uuid],
  ['method', 'text', ({ method }) => method],
  ['route', 'text', ({ route }) => route],
  ['status', 'smallint', ({ status }) => status],
  ['duration_us', 'integer', ({ duration_us }) => duration_us],
  ['request_bytes', 'bigint', ({ requestBytes }) => requestBytes],
  ['response_bytes', 'bigint', ({ responseBytes }) => responseBytes],
  ['actor', 'text', ({ actor }) => actor],
  ['address', 'text', ({ address }) => address],
  ['request_id', 'text', ({ requestId }) => requestId],
  ['trace_id', 'text', ({ traceId }) => traceId],
  ['code', 'text', ({ code }) => code],
]);

// Its COMMIT waits for no disk: what a crash takes with it was not promised to anybody.
const ADD = statement(
  'request-log.add',
  `insert into request_log (tenant_id, livemode, created_at, id, method, route, status, duration_us, request_bytes, response_bytes,
     actor, address, request_id, trace_id, code)
   select n.tenant_id, n.livemode, to_timestamp(n.created_ms / 1000.0), n.id, n.method, n.route, n.status, n.duration_us,
     n.request_bytes, n.response_bytes, n.actor, n.address::inet, n.request_id, n.trace_id, n.code
   from ${LOGGED.from(1)}, (select set_config('synchronous_commit', 'off', true)) as hurried
   on conflict do nothing`,
);

const SHOWN =
  'id, created_at, method, route, status, duration_us, request_bytes, response_bytes, actor, host(address) as address, request_id, trace_id, code';

export const REQUEST_LISTS = new ListStatements<RequestFilter>('request_log', SHOWN, {
  status: compare('s', 'status'),
  statusGte: compare('a', 'status', '>='),
  statusLt: compare('b', 'status', '<'),
  method: compare('h', 'method'),
  route: compare('r', 'route'),
  actor: compare('w', 'actor'),
  requestId: compare('i', 'request_id'),
  ...CREATED_CONDITIONS,
});

interface RequestRow {
  id: string;
  created_at: Date;
  method: string;
  route: string | null;
  status: number | null;
  duration_us: number;
  request_bytes: bigint | null;
  response_bytes: bigint | null;
  actor: string | null;
  address: string | null;
  request_id: string;
  trace_id: string | null;
  code: string | null;
}

/** Adds requests, all in one statement. */
export async function addRequests(db: Database, requests: readonly LoggedRequest[]): Promise<void> {
  for (const values of LOGGED.batches(requests)) await db.count(ADD, values);
}

/** Up to `limit` requests of the owner that pass the filter, newest first, after the position. */
export async function listRequests(db: Database, owner: Owner, page: Page<RequestFilter>): Promise<RequestView[]> {
  const rows = await REQUEST_LISTS.rows<RequestRow>(db, owner, page, (id) => uuidOf('loggedRequest', id));
  return rows.map((row) => ({
    id: fromUuid('loggedRequest', row.id),
    createdAt: row.created_at.toISOString(),
    method: row.method,
    route: row.route,
    status: row.status,
    duration_us: row.duration_us,
    requestBytes: numberOf(row.request_bytes),
    responseBytes: numberOf(row.response_bytes),
    actor: row.actor,
    address: row.address,
    requestId: row.request_id,
    traceId: row.trace_id,
    code: row.code,
  }));
}

function numberOf(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}
