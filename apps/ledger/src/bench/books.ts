import { newId, newUuid, uuidOf } from '@payflow/contracts';
import {
  openDatabase,
  provisionDatabase,
  runMigrations,
  statement,
  type Database,
  type ProvisionedDatabase,
} from '@payflow/database';
import { checkInvariant } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { invariants, migrations } from '../database/index.js';
import { PLAIN_TABLES, openPlainPoster } from './plain-poster.js';

/** What each account is given. */
export const FUNDS = '1000000000000';
/** Money is given to the accounts by SQL, so what compares accounts with transfers has to know of it. */
const CHECKED = new Set(['I1', 'I4', 'I5', 'I6', 'I7', 'I10']);

/** A ledger of its own on a durable server, with funded accounts, and the plain poster's tables beside it. */
export interface BenchBooks {
  readonly database: Database;
  readonly urls: ProvisionedDatabase;
  readonly messaging: Messaging;
  readonly plain: DataSource;
  readonly tenant: string;
  /** UUIDs. */
  readonly accounts: readonly string[];
  close(): Promise<void>;
}

export async function openBenchBooks(
  adminUrl: string,
  { accounts: count, connections }: { readonly accounts: number; readonly connections: number },
): Promise<BenchBooks> {
  const passwords = { migrator: 'bench', service: 'bench', reader: 'bench' };
  const urls = await provisionDatabase(adminUrl, 'ledger', passwords, `bench_${Date.now()}`);
  const { url, ownerUrl } = urls;
  await runMigrations(ownerUrl, migrations);
  const [tenant, accounts] = [newId('tenant'), Array.from({ length: count }, () => newUuid())];
  await seed(ownerUrl, tenant, accounts);
  const database = await openDatabase({ url, poolSize: connections, applicationName: 'bench' });
  const plain = await openPlainPoster(ownerUrl, connections);
  const broker = { brokers: ['127.0.0.1:1'], clientId: 'bench' };
  return {
    database,
    urls,
    messaging: new Messaging({ broker, database, partitions: 'single' }),
    plain,
    tenant,
    accounts,
    close: async () => {
      await plain.destroy();
      await database.close();
    },
  };
}

async function seed(ownerUrl: string, tenant: string, accounts: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  await client.query('select ensure_partitions(1)');
  await client.query(PLAIN_TABLES);
  await client.query(
    `insert into accounts (tenant_id, livemode, id, asset, overdraft, posted_debits, posted_credits, pending_debits, pending_credits,
       version, metadata, created_at, last_recorded_at)
     select $1, false, id, 'USD', 'none', 0, ${FUNDS}, 0, 0, 1, '{}', now(), now() from unnest($2::uuid[]) as id`,
    [uuidOf('tenant', tenant), accounts],
  );
  await client.query(`insert into plain_accounts select id, 0, ${FUNDS}, 1 from unnest($1::uuid[]) as id`, [accounts]);
  await client.query('analyze accounts; analyze plain_accounts; checkpoint').catch(() => undefined);
  await client.end();
}

const DIFFERING = statement(
  'bench.differing-accounts',
  `with moved as (
     select account, sum(debit) as debits, sum(credit) as credits from (
       select debit_account_id as account, amount_minor as debit, 0 as credit from transfers
       union all select credit_account_id, 0, amount_minor from transfers) sides group by account)
   select a.id from accounts a left join moved m on m.account = a.id
   where a.posted_debits <> coalesce(m.debits, 0) or a.posted_credits <> ${FUNDS} + coalesce(m.credits, 0) limit 5`,
);

const COUNTS = statement(
  'bench.counts',
  `select (select count(*) from transfers)::integer as transfers, (select count(*) from verdicts)::integer as verdicts,
     (select count(*) from verdicts where event_type = 'payflow.transfer.posted.v1')::integer as posted,
     (select coalesce(sum(message_count), 0) from outbox)::integer as messages`,
);

/** What is wrong with the books; a broken invariant voids every figure. */
export async function brokenBooks({ database }: BenchBooks): Promise<string[]> {
  const broken = await differingAccounts(database);
  const [counts] = await database.rows<{ transfers: number; verdicts: number; posted: number; messages: number }>(
    COUNTS,
  );
  if (!counts || counts.transfers !== counts.posted || counts.verdicts !== counts.messages)
    broken.push(`I18: transfers, verdicts and messages differ: ${JSON.stringify(counts)}`);
  return [...broken, ...(await brokenInvariants(database))];
}

/** Accounts whose counters are not the sums of their transfers and of what the benchmark gave them. */
export async function differingAccounts(database: Database): Promise<string[]> {
  const rows = await database.rows<{ id: string }>(DIFFERING);
  return rows.map(({ id }) => `I3: account ${id} differs from its transfers`);
}

/** Every invariant that money out of nowhere does not break, in full. */
export async function brokenInvariants(database: Database): Promise<string[]> {
  const broken: string[] = [];
  for (const each of invariants.filter(({ name }) => CHECKED.has(name))) {
    const { sample } = await checkInvariant(database, each, 'full');
    broken.push(...sample.map((row) => `${each.name}: ${row}`));
  }
  return broken;
}
