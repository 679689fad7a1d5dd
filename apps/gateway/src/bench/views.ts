import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { onStatement, openDatabase, provisionDatabase, runMigrations, type Database } from '@payflow/database';
import { Client } from 'pg';
import { entities, migrations } from '../database/index.js';
import type { ResourceKey } from '../database/keys.js';

/** Payments of each account that has any: one full page of history. */
const PAYMENTS_PER_ACCOUNT = 50;
/** Five hundred readers wait for twelve connections where nobody spares the database them: they are to be counted, not refused. */
const ACQUIRE_TIMEOUT_MS = 60_000;

/** A gateway's views on a durable server: so many accounts, and as many payments among the first of them. */
export interface Views {
  readonly db: Database;
  /** Where they are, as the gateway's own role. */
  readonly url: string;
  /** Statements that this process has had carried out by now. */
  statements(): number;
  account(rank: number): ResourceKey;
  payment(rank: number): ResourceKey;
  /** How many accounts have a history. */
  readonly active: number;
  close(): Promise<void>;
}

export async function openViews(adminUrl: string, rows: number, connections: number): Promise<Views> {
  const passwords = { migrator: 'bench', service: 'bench', reader: 'bench' };
  const { url, ownerUrl } = await provisionDatabase(adminUrl, 'gateway', passwords, `bench_${Date.now()}`);
  await runMigrations(ownerUrl, migrations);
  const tenant = newId('tenant');
  const active = Math.max(1, Math.floor(rows / PAYMENTS_PER_ACCOUNT));
  await seed(ownerUrl, uuidOf('tenant', tenant), rows, active);
  const db = await openDatabase({
    url,
    poolSize: connections,
    applicationName: 'bench',
    entities,
    acquireTimeout_ms: ACQUIRE_TIMEOUT_MS,
  });
  const owned = (kind: 'account' | 'payment', rank: number): ResourceKey => ({
    tenant,
    livemode: false,
    id: fromUuid(kind, uuidAt(rank)),
  });
  return {
    db,
    url,
    statements: counting(),
    account: (rank) => owned('account', rank),
    payment: (rank) => owned('payment', rank),
    active,
    close: () => db.close(),
  };
}

/** How many statements this process has had carried out by now. */
function counting(): () => number {
  let count = 0;
  onStatement(() => count++);
  return () => count;
}

/** As ids are, without a run of digits that could be taken for a card number. */
const UUID_HEAD = '01ad5be7-afc3-7d6e-8bfa-';

function uuidAt(rank: number): string {
  return `${UUID_HEAD}${rank.toString(16).padStart(12, '0')}`;
}

const UUID = (expression: string) => `('${UUID_HEAD}' || lpad(to_hex(${expression}), 12, '0'))::uuid`;

async function seed(ownerUrl: string, tenant: string, rows: number, active: number): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  await client.query("insert into tenants (id, name) values ($1, 'bench')", [tenant]);
  await client.query(
    `insert into account_views (tenant_id, livemode, id, status, path, asset, kind, overdraft, overdraft_limit_minor,
       posted_credits_minor, metadata, version, terms_version, created_at, updated_at)
     select $1, false, ${UUID('i')}, 'open', null, 'USD', 'liability', 'none', 0, i, '{}', 1, 1, now(), now()
     from generate_series(0, $2::integer - 1) as i`,
    [tenant, rows],
  );
  await client.query(
    `insert into payment_views (tenant_id, livemode, id, status, version, amount_minor, amount_captured_minor,
       amount_refunded_minor, asset, source_account_id, destination_account_id, method, reference, metadata, created_at, updated_at)
     select $1, false, ${UUID('i')}, 'succeeded', 1, 1 + i, 1 + i, 0, 'USD', ${UUID('i % $3::integer')},
       ${UUID('(i + 1) % $3::integer')}, '{"type":"internal"}', 'order-' || i, '{"shop":"berlin"}',
       now() - make_interval(secs => i), now()
     from generate_series(0, $2::integer - 1) as i`,
    [tenant, rows, active],
  );
  await client.query('analyze account_views, payment_views');
  await client.end();
}
