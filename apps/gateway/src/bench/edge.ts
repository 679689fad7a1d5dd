import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { statement } from '@payflow/database';
import { createApiKey, SCOPES } from '../database/index.js';
import type { Role, Told } from './edge-server.js';
import { listsCompressed } from './compression.js';
import { printFigures, spread, type Figures, type Spread } from './figures.js';
import { openViews, type Views } from './views.js';
import { WEBHOOK_ENVIRONMENT, webhooksAnswered } from './webhooks.js';
import { requestText, Wire, type WireAnswer } from './wire.js';

/**
 * What the gateway's edge costs: CPU of the server's process for an accepted POST, against Node and Fastify alone; a stored reply
 * against a fresh one, for the first copy (by Postgres) and for another (from memory, as is the first where its process answered
 * just now); a list of fifty with and without compression and cache, what a client waits longer for one of a hundred that
 * comes compressed; how soon a provider's webhook is answered; and how long cached reads take over a thousand connections that are
 * open at once. In turns in one run. Kafka is away: what is accepted waits in the outbox. Ends with 1 where a figure misses its aim.
 */
const SIZES = {
  smoke: {
    rows: 5_000,
    pairs: 5,
    posts: 1_500,
    durable: 300,
    lists: 150,
    hundreds: 200,
    warmUp: 2_000,
    idle: 1_000,
    seconds: 4,
  },
  full: {
    rows: 200_000,
    pairs: 9,
    posts: 10_000,
    durable: 5_000,
    lists: 2_000,
    hundreds: 1_000,
    warmUp: 20_000,
    idle: 1_000,
    seconds: 20,
  },
};
const CONNECTIONS = 12;
/** Requests at one time. */
const WIRES = 16;
/** Of each of the thousand. */
const READS_PER_SECOND = 1;
const PAYMENTS = '/api/v1/payments';
const LIST = `${PAYMENTS}?limit=50`;
const ROLES: readonly Role[] = ['node', 'fastify', 'edge', 'gateway'];

const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];

const SAVE_REPLIES = statement(
  'bench.save-replies',
  `update idempotency_records set reply_status = 201, reply_headers = '{"content-type":"application/json; charset=utf-8"}',
     reply_body = repeat('x', 700) where idempotency_key = any ($1::text[])`,
);

/** A server in a process of its own, and connections to it. */
class Server {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(role: Role, env: NodeJS.ProcessEnv): Promise<Server> {
    const child = fork(new URL('edge-server.js', import.meta.url), [role], { env: { ...process.env, ...env } });
    const died = once(child, 'exit').then(() => Promise.reject(new Error(`${role} could not start`)));
    const [told] = (await Promise.race([once(child, 'message'), died])) as [Told];
    died.catch(() => undefined);
    const port = told.port as number;
    return new Server(child, port);
  }

  async cpu_us(): Promise<number> {
    this.child.send('cpu');
    const [told] = (await once(this.child, 'message')) as [Told];
    return told.cpu_us as number;
  }

  /** CPU for each of the requests, µs, and what the last was answered with. Throws for an answer that is not `status`. */
  async cost(requests: readonly string[], status: number): Promise<Cost> {
    // New each time: who waits for its turn is cut off by those that keep no idle connections.
    const wires = await Promise.all(Array.from({ length: WIRES }, () => Wire.to(this.port)));
    const before = await this.cpu_us();
    let next = 0;
    let last: WireAnswer | undefined;
    const work = async (wire: Wire): Promise<void> => {
      for (let text = requests[next++]; text !== undefined; text = requests[next++]) {
        last = await wire.send(text);
        if (last.status !== status) throw new Error(`answered ${last.status}, not ${status}`);
      }
    };
    await Promise.all(wires.map(work));
    for (const wire of wires) wire.close();
    return { cpu_us: ((await this.cpu_us()) - before) / requests.length, bytes: last?.bytes ?? 0 };
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

interface Cost {
  readonly cpu_us: number;
  readonly bytes: number;
}

interface Bench {
  readonly views: Views;
  readonly servers: Readonly<Record<Role, Server>>;
  readonly key: string;
}

function posts({ views, key }: Bench, count: number, keys: readonly string[] = []): string[] {
  return Array.from({ length: count }, (_, at) => {
    const body = JSON.stringify({
      source: views.account(at % 1_000).id,
      destination: views.account((at % 1_000) + 1).id,
      amount: '1999',
      asset: 'USD',
      method: { type: 'internal' },
      reference: `order-${at}`,
      metadata: { shop: 'berlin' },
    });
    const headers = { authorization: `Bearer ${key}`, 'idempotency-key': keys[at] ?? randomUUID(), prefer: 'wait=0' };
    return requestText('POST', PAYMENTS, headers, body);
  });
}

/** How a list is asked for. `no-cache` is read anew each time. */
const LISTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'read anew': { 'cache-control': 'no-cache' },
  'read anew, gzip': { 'cache-control': 'no-cache', 'accept-encoding': 'gzip' },
  'read anew, br': { 'cache-control': 'no-cache', 'accept-encoding': 'br' },
  'read anew, zstd': { 'cache-control': 'no-cache', 'accept-encoding': 'zstd' },
  cached: {},
  'cached, zstd': { 'accept-encoding': 'zstd' },
};

async function inTurns(bench: Bench): Promise<Record<string, Cost[]>> {
  const rounds: Record<string, Cost[]> = {};
  const note = (name: string, cost: Cost): void => void (rounds[name] ??= []).push(cost);
  const { servers } = bench;
  for (let pair = 0; pair < size.pairs; pair++) {
    for (const role of ['node', 'fastify', 'edge'] as const)
      note(role, await servers[role].cost(posts(bench, size.posts), 201));
    const keys = Array.from({ length: size.durable }, () => randomUUID());
    note('fresh', await servers.gateway.cost(posts(bench, size.durable, keys), 202));
    await bench.views.db.rows(SAVE_REPLIES, [keys]);
    note('stored', await servers.gateway.cost(posts(bench, size.durable, keys), 201));
    note('kept', await servers.gateway.cost(posts(bench, size.durable, keys), 201));
    for (const [name, headers] of Object.entries(LISTS)) note(name, await listCost(bench, headers));
  }
  return rounds;
}

function listCost({ servers, key }: Bench, headers: Readonly<Record<string, string>>): Promise<Cost> {
  const text = requestText('GET', LIST, { authorization: `Bearer ${key}`, ...headers });
  return servers.gateway.cost(new Array<string>(size.lists).fill(text), 200);
}

/** A thousand open connections, each asking at times planned beforehand; milliseconds from then on, sorted. */
async function overManyConnections({ servers, key }: Bench): Promise<readonly number[]> {
  const wires: Wire[] = [];
  while (wires.length < size.idle)
    wires.push(...(await Promise.all(Array.from({ length: 50 }, () => Wire.to(servers.gateway.port)))));
  const text = requestText('GET', LIST, { authorization: `Bearer ${key}`, 'accept-encoding': 'zstd' });
  const took: number[] = [];
  const started = performance.now() + 500;
  const ask = async (wire: Wire, at: number): Promise<void> => {
    for (let turn = 0; turn < size.seconds * READS_PER_SECOND; turn++) {
      const planned = started + ((turn + at / size.idle) * 1_000) / READS_PER_SECOND;
      await delay(Math.max(0, planned - performance.now()));
      const { status } = await wire.send(text);
      if (status !== 200) throw new Error(`answered ${status}`);
      took.push(performance.now() - planned);
    }
  };
  await Promise.all(wires.map(ask));
  for (const wire of wires) wire.close();
  return took.sort((a, b) => a - b);
}

function ratio(of: readonly Cost[], to: readonly Cost[]): Spread {
  return spread(of.map(({ cpu_us }, at) => cpu_us / (to[at]?.cpu_us ?? NaN)));
}

function figuresOf(rounds: Record<string, Cost[]>, took: readonly number[]): Figures {
  const of = (name: string): Cost[] => rounds[name] ?? [];
  const cpu = (name: string) => spread(of(name).map(({ cpu_us }) => cpu_us));
  const at = (share: number) => spread([took[Math.floor(took.length * share)] ?? NaN]);
  const plain = of('read anew').map(({ bytes }) => bytes);
  const lists = Object.keys(LISTS).map((name) => [`list of 50, ${name}: CPU µs`, cpu(name)] as const);
  const saved = ['gzip', 'br', 'zstd'].map((coding) => {
    const shares = of(`read anew, ${coding}`).map(({ bytes }, round) => 1 - bytes / (plain[round] ?? NaN));
    return [`list of 50, saved by ${coding} (aim: at least 0.4)`, spread(shares)] as const;
  });
  return {
    'accepted POST, node:http: CPU µs': cpu('node'),
    'accepted POST, Fastify: CPU µs': cpu('fastify'),
    'accepted POST, edge without the database: CPU µs': cpu('edge'),
    'accepted POST, with the database: CPU µs': cpu('fresh'),
    'edge against Fastify (aim: at most 1.5, missed)': ratio(of('edge'), of('fastify')),
    'edge against node:http (aim: at most 1.7, missed)': ratio(of('edge'), of('node')),
    'stored reply, from Postgres: CPU µs': cpu('stored'),
    'stored reply, from memory: CPU µs': cpu('kept'),
    'stored reply from Postgres against a fresh one (aim: at most 0.5, missed)': ratio(of('stored'), of('fresh')),
    'stored reply from memory against a fresh one (aim: at most 0.5)': ratio(of('kept'), of('fresh')),
    ...Object.fromEntries(lists),
    ...Object.fromEntries(saved),
    [`cached list over ${size.idle} connections, p50 ms`]: at(0.5),
    [`cached list over ${size.idle} connections, p99 ms (aim: at most 100)`]: at(0.99),
  };
}

async function main(): Promise<void> {
  const views = await openViews(process.env['POSTGRES_URL'] ?? '', size.rows, CONNECTIONS);
  const { tenant, livemode } = views.account(0);
  const key = await createApiKey(views.db, { tenant, livemode, name: 'bench', scopes: SCOPES });
  const env = {
    LOG_LEVEL: 'silent',
    PORT: '0',
    OTEL_TRACES_EXPORTER: 'none',
    DATABASE_URL: views.url,
    KAFKA_BROKERS: '127.0.0.1:9',
    ...WEBHOOK_ENVIRONMENT,
  };
  const servers = {} as Record<Role, Server>;
  const bench: Bench = { views, servers, key };
  try {
    for (const role of ROLES) servers[role] = await Server.start(role, env);
    for (const role of ['node', 'fastify', 'edge'] as const) await servers[role].cost(posts(bench, size.warmUp), 201);
    await servers.gateway.cost(posts(bench, size.durable), 202);
    for (const headers of Object.values(LISTS)) await listCost(bench, headers);
    const rounds = await inTurns(bench);
    const compressed = await listsCompressed(servers.gateway.port, key, size.pairs, size.hundreds);
    const webhooks = await webhooksAnswered(servers.gateway.port, views, size.pairs, size.durable);
    const took = await overManyConnections(bench);
    printFigures({
      benchmark: 'gateway',
      settings: { ...size, wires: WIRES },
      figures: { ...figuresOf(rounds, took), ...compressed, ...webhooks },
      broken: [],
    });
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
    await views.close();
  }
}

await main();
