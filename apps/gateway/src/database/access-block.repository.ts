import { fromUuid, newUuid, uuidOf, type BlockKind, type BlockState, type Suspicion } from '@payflow/contracts';
import { statement, Unnested, type Database, type Transaction } from '@payflow/database';
import { tenantUuid } from './keys.js';

/** Whom to block, and why. */
export interface BlockWish {
  readonly kind: BlockKind;
  readonly subject: string;
  readonly suspicion: Suspicion;
  readonly count: number;
  /** Whose credential it is; an address is nobody's. */
  readonly of: BlockedOwner | undefined;
}

/** An organisation and the mode of its key; a user is of no mode. */
export interface BlockedOwner {
  readonly tenant: string;
  readonly livemode: boolean | null;
}

/** A block that holds now, or that an operator wants lifted. */
export interface HeldBlock {
  readonly kind: BlockKind;
  readonly subject: string;
  /** How long it still holds, by the clock that said until when. */
  readonly left_ms: number;
  readonly isToLift: boolean;
}

/** A change of a block, with the event that tells of it. */
export interface BlockChange {
  readonly block: BlockState;
  readonly eventId: string;
}

export interface BlockRow {
  id: string;
  kind: BlockKind;
  subject: string;
  suspicion: Suspicion;
  tried_count: number;
  level: number;
  blocked_at: Date;
  blocked_until: Date;
  lift_wished_by: string | null;
  lift_reason: string | null;
  lifted_at: Date | null;
  event_id: string;
  lift_event_id: string | null;
}

const NOBODY = '00000000-0000-0000-0000-000000000000';

type Placed = BlockWish & { readonly id: string; readonly eventId: string };

const PLACED = new Unnested<Placed>([
  ['id', 'uuid', ({ id }) => id],
  ['kind', 'text', ({ kind }) => kind],
  ['subject', 'text', ({ subject }) => subject],
  ['suspicion', 'text', ({ suspicion }) => suspicion],
  ['tried_count', 'integer', ({ count }) => count],
  ['event_id', 'uuid', ({ eventId }) => eventId],
  ['tenant_id', 'uuid', ({ of }) => (of ? tenantUuid(of.tenant) : NOBODY)],
  ['livemode', 'boolean', ({ of }) => of?.livemode ?? null],
]);
export const BLOCK_COLUMNS =
  'id, kind, subject, suspicion, tried_count, level, blocked_at, blocked_until, lift_wished_by, lift_reason, lifted_at, event_id, lift_event_id';

// One at a time: two processes that notice the same must not count it twice.
const LOCK = statement('access-blocks.lock', `select pg_advisory_xact_lock(hashtext('access_blocks'))`);

// What an operator has lifted was no harm. What an organisation has lifted counts on: who does it may be who tries.
const COUNTS = `(b.lifted_at is null or b.lift_wished_by ~ '^(key|usr)_')`;

const PLACE = statement(
  'access-blocks.place',
  `insert into access_blocks (${PLACED.names}, level, blocked_until)
   select n.*, l.level, statement_timestamp() + ($9::bigint[])[least(l.level, array_length($9::bigint[], 1))] * interval '1 millisecond'
   from ${PLACED.from(1)} cross join lateral (
     select 1 + count(*)::integer as level from access_blocks b
     where b.kind = n.kind and b.subject = n.subject and b.blocked_at > statement_timestamp() - interval '1 day' and ${COUNTS}) as l
   where not exists (
     select from access_blocks b
     where b.kind = n.kind and b.subject = n.subject and b.blocked_until > statement_timestamp() and b.lifted_at is null)
   returning ${BLOCK_COLUMNS}`,
);

const HELD = statement(
  'access-blocks.held',
  `select kind, subject, (extract(epoch from blocked_until - statement_timestamp()) * 1000)::float8 as left_ms,
     lift_wished_by is not null as "isToLift" from access_blocks
   where blocked_until > statement_timestamp() and lifted_at is null order by blocked_until desc limit $1`,
);

const LIFT = statement(
  'access-blocks.lift',
  `update access_blocks set lifted_at = statement_timestamp(), lift_event_id = gen_random_uuid()
   where lift_wished_by is not null and lifted_at is null and blocked_until > statement_timestamp() returning ${BLOCK_COLUMNS}`,
);

const LIST = statement(
  'access-blocks.list',
  `select ${BLOCK_COLUMNS} from access_blocks where $1 or (blocked_until > statement_timestamp() and lifted_at is null)
   order by blocked_at desc limit $2`,
);

const WISH = statement(
  'access-blocks.wish',
  `update access_blocks set lift_wished_by = $2, lift_reason = $3
   where id = $1 and lifted_at is null and lift_wished_by is null and blocked_until > statement_timestamp()`,
);

const PRUNE = statement(
  'access-blocks.prune',
  `delete from access_blocks
   where ctid = any (array (
     select ctid from access_blocks where blocked_until < statement_timestamp() - $1 * interval '1 day' order by blocked_until limit $2))`,
);

/** Places blocks, longer each time within a day (`durations_ms`), on whom none is yet. Returns those that were placed. */
export async function placeBlocks(
  tx: Transaction,
  wishes: readonly BlockWish[],
  durations_ms: readonly number[],
): Promise<BlockChange[]> {
  await tx.count(LOCK);
  const placed = wishes.map((wish) => ({ ...wish, id: newUuid(), eventId: newUuid() }));
  const changes: BlockChange[] = [];
  for (const values of PLACED.batches(placed))
    for (const row of await tx.rows<BlockRow>(PLACE, [...values, durations_ms])) changes.push(toChange(row));
  return changes;
}

/** The blocks that hold, at most `limit` of them. */
export function findHeldBlocks(db: Database, limit: number): Promise<HeldBlock[]> {
  return db.rows<HeldBlock>(HELD, [limit]);
}

/** Lifts what operators want lifted. */
export async function liftBlocks(tx: Transaction): Promise<BlockChange[]> {
  const rows = await tx.rows<BlockRow>(LIFT);
  return rows.map(toChange);
}

/** Blocks, the newest first; of those that have ended or were lifted only with `all`. */
export async function listBlocks(db: Database, all: boolean, limit: number): Promise<BlockState[]> {
  return (await db.rows<BlockRow>(LIST, [all, limit])).map(toState);
}

/** Asks the gateways to lift a block. False where there is no such block that holds. */
export async function wishLift(db: Database, id: string, actor: string, reason: string): Promise<boolean> {
  return (await db.count(WISH, [uuidOf('block', id), actor, reason])) === 1;
}

/** Forgets blocks that ended `days` ago, at most `limit` of them. */
export function pruneBlocks(db: Database, days: number, limit: number): Promise<number> {
  return db.count(PRUNE, [days, limit]);
}

/** A row with the event that tells of what was done to it last. */
export function toChange(row: BlockRow): BlockChange {
  return { block: toState(row), eventId: fromUuid('event', row.lift_event_id ?? row.event_id) };
}

export function toState(row: BlockRow): BlockState {
  return {
    id: fromUuid('block', row.id),
    kind: row.kind,
    subject: row.subject,
    suspicion: row.suspicion,
    count: row.tried_count,
    level: row.level,
    blocked_at: row.blocked_at.toISOString(),
    blocked_until: row.blocked_until.toISOString(),
    lifted_at: row.lifted_at?.toISOString() ?? null,
    lifted_by: row.lifted_at ? row.lift_wished_by : null,
    lift_reason: row.lifted_at ? row.lift_reason : null,
  };
}
