import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '@payflow/local-stack';
import { Sandbox, uniqueSuffix, until } from '@payflow/testing';
import { outsideFindings } from '../books/outside-books.js';
import { table } from '../faults/scenario.js';
import { CardHouse } from '../house/card-house.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers } from '../house/servers.js';
import { GeneratorProcess } from './generator-process.js';
import { countBy, percentiles, type Percentiles } from './pipeline-step.js';
import { rangeOf, saveResult } from './result.js';

/**
 * Card payments at a provider that takes 50 ms, and whether a provider that takes 5 s delays those of the others. Open loop, on
 * durable servers, latency from the planned moment. Ends with 1 when the acquirer and the books differ.
 */
const SIZES = {
  smoke: { seconds: 10, rates: [100, 200], pairs: 1 },
  full: { seconds: 20, rates: [100, 200, 300], pairs: 4 },
} as const;
type Size = keyof typeof SIZES;

const LATENCY = '50ms';
const SLOW_LATENCY = '5s';
const WARM_UP = { rate: 50, seconds: 8 };
const OTHERS = { internal: 60, cards: 30 };
const SLOW_RATE = 8;
const DRAINED_WITHIN_MS = 180_000;
/** One connection carries a hundred calls at a time over HTTP/2. */
const CONNECTIONS = '2';

interface Measured {
  readonly sent: number;
  readonly to_answer_ms: Percentiles;
  readonly answers: Readonly<Record<string, number>>;
}

async function main(size: Size): Promise<boolean> {
  const dir = scratchDir(`rails_${uniqueSuffix()}`);
  const servers = await startOwnServers({ dir, profile: 'durable' });
  const [port = 0] = await freePorts(1);
  const slow = new Sandbox({ dir: join(dir, 'slow'), environment: { SANDBOX_LATENCY: SLOW_LATENCY } }, port);
  try {
    await slow.start();
    const { CARDS_URL: url = '', CARDS_API_KEY: key = '' } = slow.environment;
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
      return await measure(desk, slow, size, dir);
    } finally {
      await desk.close();
    }
  } finally {
    await slow.stop();
    await servers.stop();
  }
}

async function measure(desk: CardHouse, other: Sandbox, size: Size, dir: string): Promise<boolean> {
  const { seconds, rates, pairs } = SIZES[size];
  await route(desk, dir);
  const [internal, cards, slow] = await Promise.all([
    generator(desk),
    generator(desk, 'visa'),
    generator(desk, 'amex'),
  ]);
  await run(internal, WARM_UP);
  await run(cards, WARM_UP);
  await drained(desk);
  const steps: (Measured & { rate: number; sockets_max: number })[] = [];
  for (const rate of rates) {
    const sockets = watchSockets(Number(new URL(desk.sandbox.url).port));
    const measured = await run(cards, { rate, seconds });
    steps.push({ rate, ...measured, sockets_max: sockets.stop() });
    await drained(desk);
  }
  const ratios: { internal: number; cards: number }[] = [];
  const both = () =>
    Promise.all([run(internal, { rate: OTHERS.internal, seconds }), run(cards, { rate: OTHERS.cards, seconds })]);
  for (let pair = 0; pair < pairs; pair++) {
    const alone = await both();
    await drained(desk);
    const [beside] = await Promise.all([both(), run(slow, { rate: SLOW_RATE, seconds })]);
    await drained(desk);
    ratios.push({
      internal: beside[0].to_answer_ms.p99 / alone[0].to_answer_ms.p99,
      cards: beside[1].to_answer_ms.p99 / alone[1].to_answer_ms.p99,
    });
  }
  for (const each of [internal, cards, slow]) each.end();
  const broken = (await outsideFindings(desk, { paymentByPayment: false, others: [other] })).map(({ what }) => what);
  report(size, steps, ratios, broken);
  return broken.length === 0;
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
    await desk.house.installation.payflow('routes', 'put', file, '--actor', 'bench');
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

async function run(generator: GeneratorProcess, order: { rate: number; seconds: number }): Promise<Measured> {
  const go = await generator.prepare(order);
  const { ids, answered, planned, status } = await go();
  const answers = [...answered].flatMap((at, index) => (at > 0 ? [at - (planned[index] ?? 0)] : []));
  return { sent: ids.length, to_answer_ms: percentiles(answers), answers: countBy(status) };
}

async function drained({ house }: CardHouse): Promise<void> {
  await until(
    'nothing is on its way',
    async () => (await house.databases.value('gateway', 'select count(*) from pending_writes')) === '0',
    DRAINED_WITHIN_MS,
  );
}

/** The most connections to a port of this machine that were open at one time, by the kernel's table. */
function watchSockets(port: number): { stop(): number } {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let most = 0;
  const timer = setInterval(() => {
    const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
    const open = lines.filter((line) => line.trim().split(/\s+/)[2] === remote && line.includes(' 01 '));
    most = Math.max(most, open.length);
  }, 200);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}

function report(
  size: Size,
  steps: readonly (Measured & { rate: number; sockets_max: number })[],
  ratios: readonly { internal: number; cards: number }[],
  broken: readonly string[],
): void {
  const rows = steps.map(({ rate, sent, to_answer_ms: { p50, p99 }, answers, sockets_max }) => ({
    'cards/s': rate,
    sent,
    'answer p50/p99 ms': `${p50} / ${p99}`,
    answers: Object.entries(answers)
      .map(([status, count]) => `${status}×${count}`)
      .join(' '),
    sockets: sockets_max,
  }));
  const moved = {
    internal: rangeOf(ratios.map((each) => each.internal)),
    cards: rangeOf(ratios.map((each) => each.cards)),
  };
  const text = Object.entries(moved).map(
    ([what, { median, min, max }]) => `${what} ${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`,
  );
  process.stderr.write(
    `\nrails: card payments at a provider of ${LATENCY}\n${table(rows)}\n\np99 beside a provider of ${SLOW_LATENCY}, against alone: ${text.join(', ')}\n${broken.length === 0 ? 'the acquirer and the books are of one mind' : broken.join('\n')}\n`,
  );
  saveResult('rails', size, { steps, ratios, broken });
}

const inOrder = await main(process.argv[2] === 'full' ? 'full' : 'smoke');
process.exit(inOrder ? 0 : 1);
