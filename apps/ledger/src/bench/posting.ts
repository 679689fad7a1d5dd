import { fromUuid, newId, newUuid, uuidOf, type AnyMessage } from '@payflow/contracts';
import { openDatabase, provisionDatabase, runMigrations, statement, type Database } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { format, spread, treeCpu_us, type Spread } from './measure.js';
import { PLAIN_TABLES, openPlainPoster, postPlainly, type PlainTransferRequest } from './plain-poster.js';

/**
 * Transfers per second of the ledger's posting (verdicts, funds check, outbox row included) against a plain TypeORM poster
 * on the same server, interleaved in one run. Prints one JSON object; ends with 1 when the books do not balance.
 */
const SIZES = {
  smoke: { accounts: 10_000, pairs: 5, batches: 12, plain: 250 },
  full: { accounts: 100_000, pairs: 7, batches: 60, plain: 1_500 },
};
const BATCH = 500;
const CONNECTIONS = 2;
/** V8 and Postgres' caches are slow at first: both posters are warm before anything counts. */
const WARM_UP_BATCHES = 20;
const WARM_UP_REQUESTS = 200;

const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];
const adminUrl = process.env['POSTGRES_URL'] ?? '';
const postgresPid = Number(process.env['POSTGRES_PID']);
const tenant = newId('tenant');
const accounts = Array.from({ length: size.accounts }, () => newUuid());

interface Round {
  readonly perSecond: number;
  readonly cpu_us: number;
  readonly nodeCpu_us: number;
  readonly walBytes: number;
}

async function main(): Promise<void> {
  const { url, ownerUrl } = await provisionDatabase(
    adminUrl,
    'ledger',
    { owner: 'bench', service: 'bench' },
    `bench_${Date.now()}`,
  );
  await runMigrations(ownerUrl, migrations);
  await seed(ownerUrl);
  const database = await openDatabase({ url, poolSize: CONNECTIONS, applicationName: 'bench' });
  const plain = await openPlainPoster(ownerUrl, CONNECTIONS);
  const messaging = new Messaging({
    broker: { brokers: ['127.0.0.1:1'], clientId: 'bench' },
    database,
    partitions: 'single',
  });
  const ours: Round[] = [];
  const theirs: Round[] = [];
  await postOurs(database, messaging, batches(WARM_UP_BATCHES));
  await postTheirs(plain, requests(WARM_UP_REQUESTS));
  for (let pair = 0; pair < size.pairs; pair++) {
    const [work, plainWork] = [batches(size.batches), requests(size.plain)];
    ours.push(await measured(database, size.batches * BATCH, () => postOurs(database, messaging, work)));
    theirs.push(await measured(database, size.plain, () => postTheirs(plain, plainWork)));
  }
  const broken = await brokenBooks(database);
  report(ours, theirs, broken);
  await plain.destroy();
  await database.close();
  process.exitCode = broken.length > 0 ? 1 : 0;
}

async function seed(ownerUrl: string): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  await client.query('select ensure_partitions(1)');
  await client.query(PLAIN_TABLES);
  const funds = '1000000000';
  await client.query(
    `insert into accounts (tenant_id, livemode, id, asset, overdraft, posted_debits, posted_credits, pending_debits, pending_credits, version, metadata, created_at, last_recorded_at)
     select $1, false, id, 'USD', 'none', 0, ${funds}, 0, 0, 1, '{}', now(), now() from unnest($2::uuid[]) as id`,
    [uuidOf('tenant', tenant), accounts],
  );
  await client.query(`insert into plain_accounts select id, 0, ${funds}, 1 from unnest($1::uuid[]) as id`, [accounts]);
  await client.query('analyze accounts; analyze plain_accounts; checkpoint').catch(() => undefined);
  await client.end();
}

async function postOurs(database: Database, messaging: Messaging, work: LedgerCommand[][]): Promise<void> {
  const handler = new LedgerCommandsHandler();
  const worker = async () => {
    for (let batch = work.pop(); batch; batch = work.pop()) {
      const commands = batch;
      await database.transaction(async (tx) => {
        const { messages } = await handler.handle(commands, tx);
        await messaging.outbox.stage(tx, messages, () => undefined);
      });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

async function postTheirs(source: DataSource, work: PlainTransferRequest[]): Promise<void> {
  const worker = async () => {
    for (let request = work.pop(); request; request = work.pop()) await postPlainly(source, request);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

function batches(count: number): LedgerCommand[][] {
  return Array.from({ length: count }, () => Array.from({ length: BATCH }, randomCommand));
}

function requests(count: number): PlainTransferRequest[] {
  return Array.from({ length: count }, randomRequest);
}

const tenantOfBench = { tenant, livemode: false };

function randomCommand(): LedgerCommand {
  const { id, debit, credit, amount } = randomRequest();
  const transferId = fromUuid('transfer', id);
  return {
    ...tenantOfBench,
    id: newId('event'),
    type: 'payflow.transfer.post.v1',
    subject: transferId,
    key: fromUuid('account', debit),
    aggregateVersion: 0,
    causationId: transferId,
    correlationId: transferId,
    actor: 'bench',
    time: '',
    traceparent: undefined,
    tracestate: undefined,
    data: {
      id: transferId,
      payment: null,
      debit_account: fromUuid('account', debit),
      credit_account: fromUuid('account', credit),
      amount: amount.toString(),
      asset: 'USD',
      valid_until: null,
    },
  } satisfies AnyMessage<'payflow.transfer.post.v1'>;
}

function randomRequest(): PlainTransferRequest {
  const at = () => Math.floor(Math.random() * accounts.length);
  const from = at();
  const to = (from + 1 + Math.floor(Math.random() * (accounts.length - 1))) % accounts.length;
  return { id: newUuid(), debit: accounts[from] as string, credit: accounts[to] as string, amount: 7n };
}

async function measured(database: Database, operations: number, post: () => Promise<void>): Promise<Round> {
  const [{ lsn: before }] = (await database.rows<{ lsn: string }>(LSN)) as [{ lsn: string }];
  const postgresBefore = treeCpu_us(postgresPid);
  const nodeBefore = process.cpuUsage();
  const startedAt = performance.now();
  await post();
  const seconds = (performance.now() - startedAt) / 1_000;
  const node = process.cpuUsage(nodeBefore);
  const postgres_us = treeCpu_us(postgresPid) - postgresBefore;
  const [{ bytes }] = (await database.rows<{ bytes: string }>(WAL_SINCE, [before])) as [{ bytes: string }];
  return {
    perSecond: operations / seconds,
    nodeCpu_us: (node.user + node.system) / operations,
    cpu_us: (node.user + node.system + postgres_us) / operations,
    walBytes: Number(bytes) / operations,
  };
}

const LSN = statement('bench.lsn', 'select pg_current_wal_insert_lsn()::text as lsn');
const WAL_SINCE = statement(
  'bench.wal',
  'select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::pg_lsn)::text as bytes',
);

const BROKEN = statement(
  'bench.broken-books',
  `with moved as (
     select account, sum(debit) as debits, sum(credit) as credits from (
       select debit_account_id as account, amount_minor as debit, 0 as credit from transfers
       union all select credit_account_id, 0, amount_minor from transfers) sides group by account)
   select a.id from accounts a left join moved m on m.account = a.id
   where a.posted_debits <> coalesce(m.debits, 0) or a.posted_credits <> 1000000000 + coalesce(m.credits, 0) limit 5`,
);
const POSTED = statement(
  'bench.posted',
  `select (select count(*) from transfers)::integer as transfers, (select count(*) from verdicts)::integer as verdicts,
     (select coalesce(sum(message_count), 0) from outbox)::integer as messages`,
);

async function brokenBooks(database: Database): Promise<string[]> {
  const broken = (await database.rows<{ id: string }>(BROKEN)).map(
    ({ id }) => `I3: account ${id} differs from its transfers`,
  );
  const [counts] = await database.rows<{ transfers: number; verdicts: number; messages: number }>(POSTED);
  if (!counts || counts.transfers !== counts.verdicts || counts.transfers !== counts.messages)
    broken.push(`I18: transfers, verdicts and messages differ: ${JSON.stringify(counts)}`);
  return broken;
}

function report(ours: readonly Round[], theirs: readonly Round[], broken: readonly string[]): void {
  const of = (rounds: readonly Round[], pick: (round: Round) => number): Spread => spread(rounds.map(pick));
  const ratios = ours.map((round, at) => round.perSecond / (theirs[at]?.perSecond ?? Infinity));
  const table = {
    'PayFlow, transfers/s': of(ours, (r) => r.perSecond),
    'TypeORM poster, transfers/s': of(theirs, (r) => r.perSecond),
    'ratio (aim: 20 or more)': spread(ratios),
    'PayFlow, CPU µs per transfer (Node + PostgreSQL)': of(ours, (r) => r.cpu_us),
    'PayFlow, Node alone, µs': of(ours, (r) => r.nodeCpu_us),
    'TypeORM poster, CPU µs per transfer': of(theirs, (r) => r.cpu_us),
    'PayFlow, WAL bytes per transfer': of(ours, (r) => r.walBytes),
    'TypeORM poster, WAL bytes per transfer': of(theirs, (r) => r.walBytes),
  };
  process.stderr.write(
    `\nposting, batches of ${BATCH} on ${CONNECTIONS} connections, ${size.accounts.toLocaleString('en')} accounts, ${size.pairs} interleaved pairs: median (min to max)\n`,
  );
  for (const [name, value] of Object.entries(table))
    process.stderr.write(`  ${name.padEnd(52)} ${format(value, value.median < 100 ? 1 : 0)}\n`);
  process.stderr.write(
    broken.length === 0
      ? '  invariants hold: books balance, one verdict and one event per transfer\n'
      : `  INVARIANTS BROKEN, the figures are void: ${broken.join('; ')}\n`,
  );
  process.stdout.write(
    `${JSON.stringify({ benchmark: 'ledger', settings: { ...size, batch: BATCH, connections: CONNECTIONS }, results: table, broken })}\n`,
  );
}

await main();
