import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES } from '@payflow/contracts';
import { freePorts } from '@payflow/local-stack';
import { Sandbox, uniqueSuffix, until } from '@payflow/testing';
import { outsideFindings } from '../books/outside-books.js';
import { CardHouse } from '../house/card-house.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers, type OwnServers } from '../house/servers.js';
import { GeneratorProcess } from './generator-process.js';
import { measureStep, type Pids } from './pipeline-step.js';
import type { StepOrder } from './protocol.js';
import { reportRails, type CardStep, type Turn } from './rails-report.js';
import { watchSockets } from './sockets.js';

/**
 * Card payments at a provider that takes 50 ms, and whether a provider that takes 5 s delays those of the others. Open loop, on
 * durable servers, latency from the planned moment. The others' payments run in turns alone, beside the second provider while it
 * is as quick as the first, and beside it while it is slow: what the second turn adds is the load, what the third adds is the
 * slowness. Ends with 1 when the acquirer and the books differ, or a figure misses what it is held against.
 */
const SIZES = {
  smoke: { seconds: 10, rates: [100, 220], pairs: 1 },
  full: { seconds: 20, rates: [200, 220, 250], pairs: 3 },
} as const;
type Size = keyof typeof SIZES;

const LATENCY = '50ms';
const [QUICK_MS, SLOW_MS] = [50, 5_000];
const WARM_UP = { rate: 100, seconds: 8 };
const OTHERS = { internal: 60, cards: 30 };
const SLOW_RATE = 8;
const DRAINED_WITHIN_MS = 180_000;
/** One connection carries a hundred calls at a time over HTTP/2. */
const CONNECTIONS = '2';

async function main(size: Size): Promise<boolean> {
  const dir = scratchDir(`rails_${uniqueSuffix()}`);
  const servers = await startOwnServers({ dir, profile: 'durable', settings: { track_commit_timestamp: 'on' } });
  const [port = 0] = await freePorts(1);
  const other = new Sandbox({ dir: join(dir, 'other'), environment: { SANDBOX_LATENCY: LATENCY } }, port);
  try {
    await other.start();
    const { CARDS_URL: url = '', CARDS_API_KEY: key = '' } = other.environment;
    const environment = {
      CARDS_HTTP2: 'true',
      CARDS_CONNECTIONS: CONNECTIONS,
      CARDS_TIME_LIMIT: '30s',
      CARDS_B_URL: url,
      CARDS_B_API_KEY: key,
    };
    const desk = await CardHouse.open('rails', environment, {
      servers: servers.urls,
      sandbox: { SANDBOX_LATENCY: LATENCY },
    });
    try {
      return await measure(desk, other, servers, size, dir);
    } finally {
      await desk.close();
    }
  } finally {
    await other.stop();
    await servers.stop();
  }
}

async function measure(
  desk: CardHouse,
  other: Sandbox,
  servers: OwnServers,
  size: Size,
  dir: string,
): Promise<boolean> {
  const { seconds, rates, pairs } = SIZES[size];
  await route(desk, dir);
  const [internal, cards, second] = await Promise.all([
    generator(desk),
    generator(desk, 'visa'),
    generator(desk, 'amex'),
  ]);
  await Promise.all([run(internal, WARM_UP), run(cards, WARM_UP)]);
  await drained(desk);
  // As a database that is older than a minute has them.
  for (const service of SERVICES) await desk.house.databases.asSuperuser(service, 'analyze');
  const pids = pidsOf(desk, servers, cards);
  const steps: CardStep[] = [];
  for (const rate of rates) {
    const sockets = watchSockets(Number(new URL(desk.sandbox.url).port));
    const { measured } = await measureStep(desk.house, cards, pids, { rate, seconds });
    steps.push({ ...measured, sockets_max: sockets.stop() });
    await drained(desk);
  }
  const turns: Turn[] = [];
  const others = async () => {
    const [ofInternal, ofCards] = await Promise.all([
      run(internal, { rate: OTHERS.internal, seconds }),
      run(cards, { rate: OTHERS.cards, seconds }),
    ]);
    return { internal: ofInternal, cards: ofCards };
  };
  const beside = async (latency_ms: number) => {
    await other.settings({ latency_ms });
    const [measured] = await Promise.all([others(), run(second, { rate: SLOW_RATE, seconds })]);
    await drained(desk);
    return measured;
  };
  for (let pair = 0; pair < pairs; pair++) {
    const alone = await others();
    await drained(desk);
    turns.push({ alone, quick: await beside(QUICK_MS), slow: await beside(SLOW_MS) });
  }
  for (const each of [internal, cards, second]) each.end();
  const broken = (await outsideFindings(desk, { paymentByPayment: false, others: [other] })).map(({ what }) => what);
  return reportRails(size, steps, turns, broken);
}

function pidsOf({ house, sandbox }: CardHouse, servers: OwnServers, cards: GeneratorProcess): Pids {
  return {
    ...Object.fromEntries(SERVICES.map((service) => [service, house.service(service).pid])),
    postgres: servers.postgres.pid,
    kafka: servers.kafka.pid,
    redis: servers.redis.pid,
    acquirer: sandbox.pid,
    generator: cards.pid,
  };
}

/** Cards of one brand go to the slow provider, all others to the quick one. */
async function route(desk: CardHouse, dir: string): Promise<void> {
  const routes = [
    { name: 'slow', priority: 1, match: { method: 'card', brands: ['amex'] }, targets: [{ connector: 'cards_b' }] },
    { name: 'quick', priority: 2, match: { method: 'card' }, targets: [{ connector: 'cards' }] },
  ];
  for (const each of routes) {
    const file = join(dir, `${each.name}.json`);
    writeFileSync(file, JSON.stringify(each));
    await desk.house.installation.payflow('routes', 'put', file, '--actor', 'bench', '--reason', 'a measurement');
  }
}

function generator({ house, merchant, clearing }: CardHouse, brand?: string): Promise<GeneratorProcess> {
  return GeneratorProcess.start({
    port: Number(new URL(house.api).port),
    apiKey: merchant.apiKey,
    accounts: merchant.accounts,
    ...(brand === undefined ? {} : { card: { clearing, brand } }),
  });
}

/** From the planned moment to the answer, ms, of those that had one. */
async function run(generator: GeneratorProcess, order: StepOrder): Promise<readonly number[]> {
  const go = await generator.prepare(order);
  const { answered, planned } = await go();
  return [...answered].flatMap((at, index) => (at > 0 ? [at - (planned[index] ?? 0)] : []));
}

async function drained({ house }: CardHouse): Promise<void> {
  await until(
    'nothing is on its way',
    async () => (await house.databases.value('gateway', 'select count(*) from pending_writes')) === '0',
    DRAINED_WITHIN_MS,
  );
}

const inOrder = await main(process.argv[2] === 'full' ? 'full' : 'smoke');
process.exit(inOrder ? 0 : 1);
