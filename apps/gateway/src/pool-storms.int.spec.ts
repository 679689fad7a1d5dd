import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@payflow/contracts';
import { provisionDatabase, runMigrations, type Database } from '@payflow/database';
import { removeServerFolder, startPostgres, type Server } from '@payflow/local-stack';
import { DATABASE, type RunningService } from '@payflow/service';
import { createTestTopics, openSpecPool, testBroker, testServers, uniqueSuffix, until } from '@payflow/testing';
import { Client as Connection } from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { entities, migrations } from './database/index.js';
import { Client, countRows, startGateway, type Answered } from './testing/gateway-under-test.js';
import { House } from './testing/house.js';

/** D4 in short: what `npm run e2e -- storms` plays for longer, over all five services. */
const REQUESTS = 1_000;
const CONNECTIONS = 20;
/** A thousand requests, and twenty connections opened anew again and again, on however slow a machine. */
const DEADLINE_MS = 60_000;
vi.setConfig({ testTimeout: 4 * DEADLINE_MS });
const SECONDS = expect.stringMatching(/^[1-9]\d?$/) as unknown;
const PASSWORDS = { migrator: 'migrator-password', service: 'service-password', reader: 'reader-password' };

const dir = mkdtempSync(join(tmpdir(), 'payflow-storms-'));
const broker = testBroker(uniqueSuffix());
let server: Server;
let readerUrl: string;
let db: Database;
let gateway: RunningService & { base: string };
let client: Client;
let alice: string;
let bob: string;
const accepted: string[] = [];

const startServer = (port?: number): Promise<Server> =>
  startPostgres({
    dir: join(dir, 'postgres'),
    profile: 'test',
    settings: { max_connections: 50 },
    ...(port ? { port } : {}),
  });

beforeAll(async () => {
  server = await startServer();
  const provisioned = await provisionDatabase(server.url, 'gateway', PASSWORDS);
  ({ readerUrl } = provisioned);
  await Promise.all([runMigrations(provisioned.ownerUrl, migrations), createTestTopics(broker)]);
  db = await openSpecPool(provisioned.url, { poolSize: 3, entities });
  gateway = await startGateway({
    databaseUrl: provisioned.url,
    broker,
    redisUrl: testServers().redis,
    env: { DATABASE_POOL_SIZE: `${CONNECTIONS}`, DATABASE_MAX_OVERFLOW: '0' },
  });
  client = await Client.of(db, gateway.base);
  // Accounts need the rest of the house; what the storms ask for needs only the gateway.
  const house = new House(db, broker);
  await house.start();
  [alice, bob] = [await client.open(), await client.open()];
  await house.stop();
});
afterAll(async () => {
  await gateway?.stop();
  await db?.close();
  await server?.stop();
  removeServerFolder(join(dir, 'postgres'));
  rmSync(dir, { recursive: true, force: true });
});

const ask = async (at: number): Promise<Answered> => {
  if (at % 3 === 1) return client.get(`/api/v1/accounts/${alice}`);
  if (at % 3 === 2) return client.get(`/api/v1/payments?destination=${bob}`);
  const id = newId('payment');
  const payment = { id, source: alice, destination: bob, amount: '5', asset: 'USD' };
  const answer = await client.post('/api/v1/payments', payment, { prefer: 'wait=0' });
  if (answer.status === 202) accepted.push(id);
  return answer;
};

/** A thousand requests at once; each ends, with what it asked for or with a 503 that says what is the matter. */
async function storm(requests = REQUESTS): Promise<Record<string, number>> {
  const answers = await Promise.all(Array.from({ length: requests }, (_, at) => ask(at)));
  const told: Record<string, number> = {};
  for (const { status, body, headers } of answers) {
    const name = status === 503 ? `503 ${body['code'] as string}` : `${status}`;
    told[name] = (told[name] ?? 0) + 1;
    // A write that is refused at the door is asked to wait longer than a read.
    if (status === 503) expect([headers.get('retry-after'), body['retryable']]).toEqual([SECONDS, true]);
  }
  // A machine on which the event loop comes late refuses at the door.
  const known = ['200', '202', '503 database_busy', '503 unavailable', '503 overloaded'];
  expect(Object.keys(told).filter((name) => !known.includes(name))).toEqual([]);
  return told;
}

/** Without the database nothing is accepted, and of what is read only what is in memory can be told: the account, and a list that nothing has voided. */
function expectOnlyCached(told: Record<string, number>, requests: number): void {
  expect(told['202']).toBeUndefined();
  expect(told['200'] ?? 0).toBeLessThanOrEqual(Math.ceil((2 * requests) / 3));
}

/** Nothing leaks, nothing hangs: all connections are back, and every kind of request is answered. */
async function expectRecovery(): Promise<void> {
  await until(
    'every kind of request is answered',
    async () => {
      const answers = await Promise.all([0, 1, 2].map(ask));
      return answers.every(({ status }) => status === 200 || status === 202);
    },
    DEADLINE_MS,
  );
  await until('it is ready', async () => (await client.get('/readyz')).status === 200);
  const pools = gateway.app.get<Database>(DATABASE, { strict: false });
  await until('no connection is in use', () =>
    pools.pools().every(({ total, idle, waiting, max }) => total === idle && total <= max && waiting === 0),
  );
  const { keys, payments, messages } = await until('what was sent has been settled', () => countRows(db));
  // Two accounts beside the payments; each payment with its key and its command, whatever became of its request.
  expect([keys - 2, messages - 2]).toEqual([payments, payments]);
  for (const id of accepted.splice(0)) expect((await client.get(`/api/v1/payments/${id}`)).status).toBe(200);
}

it('a thousand requests at once on twenty connections', async () => {
  const told = await storm();
  expect((told['200'] ?? 0) + (told['202'] ?? 0)).toBeGreaterThan(0);
  await expectRecovery();
});

it('PostgreSQL stopped and started under load', async () => {
  const { postgres } = server.ports;
  const storming = storm();
  await server.stop();
  const away = await storm(30).finally(async () => (server = await startServer(postgres)));
  expectOnlyCached(away, 30);
  await storming;
  await expectRecovery();
});

it('all backends terminated under load, again and again', async () => {
  const admin = new Connection({ connectionString: server.url });
  await admin.connect();
  const terminated = async (): Promise<number> => {
    const { rowCount } = await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'payflow-gateway%'`,
    );
    return rowCount ?? 0;
  };
  let ended = 0;
  let isOver = false;
  const storming = (async () => {
    while (!isOver) await storm(REQUESTS / 2);
  })();
  await until(
    'all have been ended three times over',
    async () => (ended += await terminated()) > 3 * CONNECTIONS,
    DEADLINE_MS,
  );
  isOver = true;
  await storming;
  await admin.end();
  await expectRecovery();
});

it('every place of the server taken by somebody else', async () => {
  const admin = new Connection({ connectionString: server.url });
  await admin.connect();
  const rogues: Connection[] = [];
  const take = async (): Promise<boolean> => {
    const rogue = new Connection({ connectionString: readerUrl });
    rogue.on('error', () => undefined);
    const isTaken = await rogue.connect().then(
      () => true,
      () => false,
    );
    if (isTaken) rogues.push(rogue);
    return isTaken;
  };
  await until(
    'the gateway has lost its places and gets none back',
    async () => {
      await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename like '%gateway'`);
      while (await take());
      const [row] = (
        await admin.query<{ own: string }>(`select count(*) as own from pg_stat_activity where usename like '%gateway'`)
      ).rows;
      return row?.own === '0';
    },
    DEADLINE_MS,
  );
  const told = await storm();
  expect(Object.keys(told).sort()).toEqual(expect.arrayContaining(['503 unavailable']) as unknown as string[]);
  expectOnlyCached(told, REQUESTS);
  await until('readiness tells', async () => (await client.get('/readyz')).status === 503);
  await Promise.all(rogues.map((rogue) => rogue.end()));
  await admin.end();
  await expectRecovery();
});
