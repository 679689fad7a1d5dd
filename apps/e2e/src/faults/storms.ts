import { equal, ok } from 'node:assert/strict';
import { SERVICES } from '@payflow/contracts';
import { uniqueSuffix, until } from '@payflow/testing';
import { Client } from 'pg';
import { expectBooksInOrder } from '../books/books.js';
import { newPayment, sendOnce, sendUntilFinal, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers, type OwnServers } from '../house/servers.js';
import { withStage, type Run, type Scenario, type Stage } from './scenario.js';

const REQUESTS = 1_000;
const CONNECTIONS = 20;
/** Five services of twenty, and room for those who look on. */
const PLACES = 120;
const ROUNDS = 5;
const RETRIES_AT_A_TIME = 32;
const DEADLINE_MS = 300_000;
interface Trial extends Stage {
  readonly servers: OwnServers;
  readonly random: Random;
  readonly all: SentPayment[];
  readonly run: Run;
}

/** What a thousand requests at once were told, by status, and how long the last of them waited. */
interface Told {
  readonly counts: Readonly<Record<string, number>>;
  readonly slowest_ms: number;
}

/** More than the pools can take, while the server restarts, ends its backends, or is full of somebody else's connections. */
async function run(run: Run): Promise<void> {
  const random = new Random();
  run.say(`seed ${random.seed}`);
  const dir = scratchDir(`storms_${uniqueSuffix()}`);
  const servers = await startOwnServers({ dir, profile: 'test', settings: { max_connections: `${PLACES}` } });
  const environment = { DATABASE_POOL_SIZE: `${CONNECTIONS}`, DATABASE_MAX_OVERFLOW: '0' };
  try {
    await withStage({ name: 'storms', servers: servers.urls, disposable: true, environment }, async (stage) => {
      const trial: Trial = { ...stage, servers, random, all: [], run };
      for (const play of [tooMany, restarted, backendsEnded, placesTaken]) {
        for (let round = 0; round < (run.short ? 1 : ROUNDS); round++) await play(trial);
        await expectRecovery(trial);
      }
      await stage.house.verify();
    });
  } finally {
    await servers.stop();
  }
}

async function tooMany(trial: Trial): Promise<void> {
  tell(trial, 'a thousand at once', await storm(trial));
}

async function restarted(trial: Trial): Promise<void> {
  const storming = storm(trial);
  await trial.servers.postgres.kill();
  await trial.servers.postgres.restart();
  tell(trial, 'PostgreSQL killed and started again', await storming);
}

async function backendsEnded(trial: Trial): Promise<void> {
  let isOver = false;
  const storming = storm(trial).finally(() => (isOver = true));
  const admin = await connected(trial.servers.postgres.url);
  let ended = 0;
  while (!isOver) {
    const { rowCount } = await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'payflow-%'`,
    );
    ended += rowCount ?? 0;
  }
  await admin.end();
  tell(trial, `${ended} backends ended`, await storming);
  ok(ended > 0, 'backends were there to be ended');
}

/** A client of no service takes every place that becomes free, and the services' own are ended. */
async function placesTaken(trial: Trial): Promise<void> {
  const { house, servers } = trial;
  const admin = await connected(servers.postgres.url);
  const rogues: Client[] = [];
  const own = async (): Promise<string> =>
    (
      await admin.query<{ own: string }>(
        `select count(*) as own from pg_stat_activity where application_name like 'payflow-%'`,
      )
    ).rows[0]?.own ?? '';
  await until(
    'no service has a connection',
    async () => {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'payflow-%'`,
      );
      for (let taken: Client | undefined; (taken = await rogue(house.installation.databaseUrl('archiver')));)
        rogues.push(taken);
      return (await own()) === '0';
    },
    DEADLINE_MS,
  );
  const told = await storm(trial);
  tell(trial, `every place taken by ${rogues.length} rogue connections`, told);
  equal(told.counts['503'], REQUESTS, 'without a connection every request is told so');
  await Promise.all(rogues.map((client) => client.end()));
  await admin.end();
}

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function rogue(url: string): Promise<Client | undefined> {
  return connected(url).catch(() => undefined);
}

/** Each ends before its client gives it up, with what it asked for or with a 503 that says when to come back. */
async function storm({ merchant, random, all }: Trial): Promise<Told> {
  const counts: Record<string, number> = {};
  let slowest_ms = 0;
  const payments = Array.from({ length: REQUESTS }, () => newPayment(merchant, random));
  all.push(...payments);
  const startedAt = performance.now();
  await Promise.all(
    payments.map(async (payment) => {
      const reply = await sendOnce(merchant, payment, 0);
      slowest_ms = Math.max(slowest_ms, performance.now() - startedAt);
      counts[reply.status] = (counts[reply.status] ?? 0) + 1;
      if (reply.kind === 'answer') return;
      equal(reply.status, 503, reply.why);
      ok(reply.headers['retry-after'], 'a 503 says when to come back');
    }),
  );
  return { counts, slowest_ms };
}

function tell({ run }: Trial, what: string, { counts, slowest_ms }: Told): void {
  const answers = Object.entries(counts).map(([status, count]) => `${count} × ${status}`);
  run.say(`${what}: ${answers.join(', ')}; the slowest after ${Math.round(slowest_ms)} ms`);
}

/** All that was asked for ends, under its own key; every service is ready by itself, and no connection is left in use. */
async function expectRecovery({ house, merchant, all }: Trial): Promise<void> {
  const until_ms = performance.now() + DEADLINE_MS;
  const open = all.filter(({ final }) => !final);
  const next = open.values();
  await Promise.all(
    Array.from({ length: RETRIES_AT_A_TIME }, async () => {
      for (const payment of next) await sendUntilFinal(merchant, payment, until_ms);
    }),
  );
  for (const service of SERVICES) {
    await until(
      `${service} is ready, and has all its connections back`,
      async () => {
        const process = house.service(service);
        if (!(await process.probe('/readyz')).body.includes('"status":"ready"')) return false;
        const { body } = await process.probe('/metrics');
        const waiting = [...body.matchAll(/^payflow_database_pool_connections\{pool="\w+",state="waiting"\} (\d+)/gm)];
        return (
          waiting.length > 0 &&
          waiting.every(([, count]) => count === '0') &&
          !/^payflow_database_leaked_connections_total\{.*\} [1-9]/m.test(body)
        );
      },
      DEADLINE_MS,
    );
  }
  await expectBooksInOrder(house, all);
}

export const storms: Scenario = {
  name: 'storms',
  summary: 'a thousand requests on twenty connections, while PostgreSQL restarts, ends its backends, or is full (D4)',
  run,
};
