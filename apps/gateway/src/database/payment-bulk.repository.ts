import { uuidOf } from '@payflow/contracts';
import { statement, Unnested, type Database } from '@payflow/database';
import type { Reply } from '../acceptance/acceptable.js';
import { idempotencyKeyOf } from './acceptance.repository.js';
import { tenantOf, tenantUuid, type Owner } from './keys.js';

/** A key that is answered when it is taken: a bulk's own, or that of an item which was refused at the door. */
export interface AnsweredKey extends Owner {
  readonly idempotencyKey: string;
  readonly fingerprint: Buffer;
  readonly apiVersion: string;
  readonly bulk: string;
  readonly reply: Reply;
}

const KEYS = new Unnested<AnsweredKey>([
  ['tenant_id', 'uuid', ({ tenant }) => tenantUuid(tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['idempotency_key', 'text', ({ idempotencyKey }) => idempotencyKey],
  ['fingerprint', 'bytea', ({ fingerprint }) => fingerprint],
  ['resource_kind', 'text', () => 'payment_bulk'],
  ['resource_id', 'uuid', ({ bulk }) => uuidOf('bulk', bulk)],
  ['api_version', 'text', ({ apiVersion }) => apiVersion],
  ['created_at', 'timestamptz', () => new Date()],
  ['reply_status', 'smallint', ({ reply }) => reply.status],
  ['reply_headers', 'json', ({ reply }) => JSON.stringify(reply.headers)],
  ['reply_body', 'text', ({ reply }) => reply.body],
]);

const INSERT = statement(
  'idempotency.insert-answered',
  `insert into idempotency_records (${KEYS.names}) select * from ${KEYS.from()}
   order by tenant_id, livemode, idempotency_key
   on conflict do nothing returning tenant_id, livemode, idempotency_key`,
);

interface KeyRow {
  tenant_id: string;
  livemode: boolean;
  idempotency_key: string;
}

/** Takes the keys with their answers; returns those that nobody had, by {@link idempotencyKeyOf}. */
export async function takeAnsweredKeys(db: Database, keys: readonly AnsweredKey[]): Promise<Set<string>> {
  const taken = new Set<string>();
  for (const values of KEYS.batches(keys)) {
    const rows = await db.rows<KeyRow>(INSERT, values);
    for (const { tenant_id, livemode, idempotency_key: idempotencyKey } of rows)
      taken.add(idempotencyKeyOf({ tenant: tenantOf(tenant_id), livemode, idempotencyKey }));
  }
  return taken;
}
