import type { MessageData } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { tenantUuid, type Owner } from './keys.js';

/** What is shown by an owner's event alone, and what it is asked for by. */
export type RequestedType =
  | 'payflow.asset.define.v1'
  | 'payflow.transaction_type.define.v1'
  | 'payflow.limit.define.v1'
  | 'payflow.risk_rule.define.v1'
  | 'payflow.period.close.v1';

/** Of one owner's writes that have not ended; more of them than this are no client's that reads what it has just made. */
const LOOKED_AT_MAX = 200;

// A command lies in a row with those that were accepted with it, other owners' among them.
const FIND = statement(
  'pending-writes.find-requested',
  `select m -> 'value' as command from (
     select outbox_id, outbox_created_at from pending_writes
     where tenant_id = $1 and livemode = $2 and resource_kind = 'change' order by accepted_at desc limit ${LOOKED_AT_MAX}) as w
   join outbox o on o.id = w.outbox_id and o.created_at = w.outbox_created_at
   cross join lateral json_array_elements(o.messages::json) as m
   where m -> 'message' ->> 'type' = $3 and m -> 'value' ->> 'id' = $4 and m -> 'message' ->> 'tenant' = $5
     and (m -> 'message' ->> 'livemode')::boolean = $2
   limit 1`,
);

/**
 * What `find` finds, or else what was asked for and has not ended: who was answered 202 a moment ago must find it. Looks once more
 * where neither is there: it may have ended between the two. Costs what is there nothing.
 */
export async function foundOrRequested<V, T extends RequestedType>(
  db: Database,
  { type, owner, id }: { readonly type: T; readonly owner: Owner; readonly id: string },
  find: () => Promise<V | undefined>,
): Promise<{ readonly found: V } | { readonly requested: MessageData[T] } | undefined> {
  const found = await find();
  if (found !== undefined) return { found };
  const { tenant, livemode } = owner;
  const [row] = await db.rows<{ command: MessageData[T] }>(FIND, [tenantUuid(tenant), livemode, type, id, tenant]);
  if (row) return { requested: row.command };
  const ended = await find();
  return ended === undefined ? undefined : { found: ended };
}
