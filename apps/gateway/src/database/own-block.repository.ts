import { newUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { BlockStatus, OwnBlock } from '../domain/block.js';
import { BLOCK_COLUMNS, toChange, toState, type BlockChange, type BlockRow } from './access-block.repository.js';
import { tenantUuid, type Owner, type ResourceKey, seenBy } from './keys.js';
import type { Page } from './list-statement.js';

/** Which blocks a list shows; instants are RFC 3339. */
export interface BlockFilter {
  readonly status?: string;
  readonly subject?: string;
  readonly suspicion?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

interface OwnRow extends BlockRow {
  readonly status: BlockStatus;
}

const STATUS = `case when lifted_at is not null then 'lifted' when blocked_until <= statement_timestamp() then 'ended' else 'active' end`;
const COLUMNS = `${BLOCK_COLUMNS}, ${STATUS} as status`;
// A user's block is shown in both modes, as users are.
const OWN = 'tenant_id = $1 and (livemode = $2 or livemode is null)';

/** As the API shows it. */
const CREATED_AT = `date_trunc('milliseconds', blocked_at)`;

// Ids are in the order of time.
const LIST = statement(
  'own-blocks.list',
  `select ${COLUMNS} from access_blocks
   where ${OWN} and ($3::uuid is null or id < $3) and ($4::text is null or ${STATUS} = $4) and ($5::text is null or subject = $5)
     and ($6::text is null or suspicion = $6) and ($7::timestamptz is null or ${CREATED_AT} >= $7)
     and ($8::timestamptz is null or ${CREATED_AT} > $8) and ($9::timestamptz is null or ${CREATED_AT} <= $9)
     and ($10::timestamptz is null or ${CREATED_AT} < $10)
   order by id desc limit $11`,
);

const LOCK = statement('own-blocks.lock', `select ${COLUMNS} from access_blocks where ${OWN} and id = $3 for update`);

// An operator who wanted it lifted was first.
const LIFT = statement(
  'own-blocks.lift',
  `update access_blocks set lift_wished_by = coalesce(lift_wished_by, $4), lift_reason = coalesce(lift_reason, $5),
     lifted_at = statement_timestamp(), lift_event_id = $6
   where ${OWN} and id = $3 and lifted_at is null and blocked_until > statement_timestamp() returning ${COLUMNS}`,
);

/** Up to `limit` blocks on the organisation's credentials that pass the filter, newest first, after the position. */
export async function listOwnBlocks(db: Database, owner: Owner, page: Page<BlockFilter>): Promise<OwnBlock[]> {
  const { filter, after, limit } = page;
  const place = after ? uuidOf('block', after.id) : null;
  const { status, subject, suspicion, createdGte, createdGt, createdLte, createdLt } = filter;
  const given = [status, subject, suspicion, createdGte, createdGt, createdLte, createdLt].map((text) => text ?? null);
  const values = [tenantUuid(owner.tenant), owner.livemode, place, ...given, limit];
  return (await seenBy(db, owner).rows<OwnRow & Record<string, unknown>>(LIST, values)).map(toOwn);
}

/** A block on one of the organisation's credentials, to be changed by this transaction alone. */
export async function lockOwnBlock(tx: Transaction, key: ResourceKey): Promise<OwnBlock | undefined> {
  const [row] = await tx.rows<OwnRow & Record<string, unknown>>(LOCK, keyOf(key));
  return row && toOwn(row);
}

/** Lifts a block, and says with which event that is told. Undefined where it does not hold any more. */
export async function liftOwnBlock(
  tx: Transaction,
  key: ResourceKey,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<{ readonly block: OwnBlock; readonly change: BlockChange } | undefined> {
  const [row] = await tx.rows<OwnRow & Record<string, unknown>>(LIFT, [...keyOf(key), actor, reason, newUuid()]);
  return row && { block: toOwn(row), change: toChange(row) };
}

function keyOf({ tenant, livemode, id }: ResourceKey): [string, boolean, string] {
  return [tenantUuid(tenant), livemode, uuidOf('block', id)];
}

function toOwn(row: OwnRow): OwnBlock {
  const state = toState(row);
  return { ...state, status: row.status, createdAt: state.blocked_at };
}
