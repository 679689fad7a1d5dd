import { newUuid, uuidOf, type TestClock } from '@payflow/contracts';
import { statement, type Database, type Row, type Transaction } from '@payflow/database';
import { seenBy, tenantOf, tenantUuid } from './keys.js';

/** Where an organisation's test data stands, and how far its clock is ahead. */
export interface TestSpace {
  readonly space: string;
  readonly ahead_ms: number;
}

/** A test clock, and who goes by it. */
export interface TestClockView extends TestClock {
  /** Ours, when it was read. */
  readonly now: Date;
  readonly heard: { readonly payments: boolean; readonly ledger: boolean };
}

const SPACE = 'coalesce(t.test_space, t.id)';

const FIND = statement(
  'test-spaces.find',
  `select ${SPACE} as space, coalesce(c.ahead_ms, 0)::double precision as ahead_ms
   from tenants t left join test_clocks c on c.tenant_id = ${SPACE} where t.id = $1`,
);

// Whoever moves a clock and whoever resets wait for each other here, and each then sees what the other has left.
const LOCK = statement('test-spaces.lock', `select ${SPACE} as space from tenants t where t.id = $1 for no key update`);

const CLOCK = statement(
  'test-clocks.read',
  `select s.id, clock_timestamp() as now, coalesce(c.ahead_ms, 0)::double precision as ahead_ms, coalesce(c.version, 0)::integer as version,
     coalesce(c.payments_heard @> c.version, true) as payments, coalesce(c.ledger_heard @> c.version, true) as ledger
   from (values ($1::uuid)) as s (id) left join test_clocks c on c.tenant_id = s.id`,
);

const SET = statement(
  'test-clocks.set',
  `insert into test_clocks (tenant_id, ahead_ms, version) values ($1, $2, $3)
   on conflict (tenant_id) do update set ahead_ms = excluded.ahead_ms, version = excluded.version`,
);

const RENEW = statement(
  'test-spaces.renew',
  `with renewed as (update tenants set test_space = $2 where id = $1)
   insert into retired_test_spaces (space_id, tenant_id) values ($3, $1)`,
);

const heard = (column: string) => `update test_clocks c set ${column} = c.${column} + g.versions
   from (select tenant_id, range_agg(int8range(version, version + 1)) as versions
     from unnest($1::uuid[], $2::bigint[]) as given (tenant_id, version) group by tenant_id) as g
   where c.tenant_id = g.tenant_id`;

const HEARD = {
  payments: statement('test-clocks.heard-by-payments', heard('payments_heard')),
  ledger: statement('test-clocks.heard-by-ledger', heard('ledger_heard')),
};

interface ClockRow extends Row {
  id: string;
  now: Date;
  ahead_ms: number;
  version: number;
  payments: boolean;
  ledger: boolean;
}

export async function findTestSpace(db: Database, organisation: string): Promise<TestSpace | undefined> {
  const [row] = await db.rows<{ space: string; ahead_ms: number }>(FIND, [tenantUuid(organisation)]);
  return row && { space: tenantOf(row.space), ahead_ms: row.ahead_ms };
}

/** Until the transaction's end nobody else moves the organisation's test clock or resets it. Returns its space. */
export async function lockTestSpace(tx: Transaction, organisation: string): Promise<string> {
  const [row] = await tx.rows<{ space: string }>(LOCK, [tenantUuid(organisation)]);
  return tenantOf((row as { space: string }).space);
}

export async function readTestClock(db: Database | Transaction, space: string): Promise<TestClockView> {
  const [row] = await seenBy(db, { tenant: space }).rows<ClockRow>(CLOCK, [tenantUuid(space)]);
  const { now, ahead_ms, version, payments, ledger } = row as ClockRow;
  return { id: space, now, ahead_ms, version, heard: { payments, ledger } };
}

export async function setTestClock(tx: Transaction, { id, ahead_ms, version }: TestClock): Promise<void> {
  await tx.count(SET, [tenantUuid(id), ahead_ms, version]);
}

/** Gives the organisation an empty space, and leaves the one that it had behind. */
export async function renewTestSpace(tx: Transaction, organisation: string, left: string): Promise<void> {
  await tx.count(RENEW, [tenantUuid(organisation), newUuid(), tenantUuid(left)]);
}

/** Notes that an owner goes by these clocks. */
export async function noteHeard(
  tx: Transaction,
  owner: keyof typeof HEARD,
  clocks: readonly TestClock[],
): Promise<void> {
  await tx.count(HEARD[owner], [clocks.map(({ id }) => uuidOf('tenant', id)), clocks.map(({ version }) => version)]);
}
