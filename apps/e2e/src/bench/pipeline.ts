import { SERVICES } from '@payflow/contracts';
import { uniqueSuffix } from '@payflow/testing';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers, type OwnServers } from '../house/servers.js';
import { SpanCollector } from '../house/span-collector.js';
import { GeneratorProcess } from './generator-process.js';
import { brokenBooks } from './pipeline-books.js';
import { printReport } from './pipeline-report.js';
import { measureStep, type Measured, type Pids } from './pipeline-step.js';
import type { StepOrder } from './protocol.js';
import { saveResult } from './result.js';

/**
 * Payments through the HTTP API and all five services on durable servers, open loop: at 100/s for latency, then in steps
 * for throughput. Ends with 1 when the books are not in order: the figures are void then.
 */
const SIZES: Readonly<
  Record<'smoke' | 'full', { accounts: number; warmUp: StepOrder; latency: StepOrder; steps: readonly StepOrder[] }>
> = {
  smoke: {
    accounts: 200,
    warmUp: { rate: 400, seconds: 6 },
    latency: { rate: 100, seconds: 8 },
    steps: [
      { rate: 500, seconds: 6 },
      { rate: 1_500, seconds: 6 },
    ],
  },
  full: {
    accounts: 1_000,
    warmUp: { rate: 500, seconds: 20 },
    latency: { rate: 100, seconds: 30 },
    steps: [500, 1_000, 1_500, 2_000].map((rate) => ({ rate, seconds: 30 })),
  },
};
const SAMPLED = '0.01';
const PROOF = 'invariants hold: books balance, every acknowledged payment booked once, views as their owners say';

async function main(size: 'smoke' | 'full'): Promise<boolean> {
  const dir = scratchDir(`bench_${uniqueSuffix()}`);
  const settings = { track_commit_timestamp: 'on' };
  const [servers, collector] = await Promise.all([
    startOwnServers({ dir, profile: 'durable', settings }),
    SpanCollector.start(),
  ]);
  const environment = {
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER_ARG: SAMPLED,
  };
  let house: House | undefined;
  try {
    house = await House.open({ name: 'bench', servers: servers.urls, disposable: true, environment });
    return await measureHouse(house, servers, size);
  } catch (error) {
    throw house ? house.failed(error) : error;
  } finally {
    await house?.close();
    await collector.stop();
    await servers.stop();
  }
}

async function measureHouse(house: House, servers: OwnServers, size: 'smoke' | 'full'): Promise<boolean> {
  const { accounts, warmUp, latency, steps } = SIZES[size];
  const merchant = await Merchant.open(house.databases, house.api, accounts);
  const generator = await GeneratorProcess.start({
    port: Number(new URL(house.api).port),
    apiKey: merchant.apiKey,
    accounts: merchant.accounts,
  });
  const pids: Pids = {
    ...Object.fromEntries(SERVICES.map((service) => [service, (house as House).service(service).pid])),
    postgres: servers.postgres.pid,
    kafka: servers.kafka.pid,
    redis: servers.redis.pid,
    generator: generator.pid,
  };
  const acknowledged: string[] = [];
  const measured: Measured[] = [];
  for (const [at, order] of [warmUp, latency, ...steps].entries()) {
    const step = await measureStep(house, generator, pids, order);
    acknowledged.push(...step.acknowledged);
    if (at > 0) measured.push(step.measured);
    process.stderr.write(`  ${at === 0 ? 'warm-up' : 'measured'}: ${order.rate}/s for ${order.seconds} s\n`);
  }
  generator.end();
  merchant.close();
  const broken = await brokenBooks(house, acknowledged);
  report(size, measured, broken);
  return broken.length === 0;
}

function report(size: string, measured: readonly Measured[], broken: readonly string[]): void {
  printReport({ what: 'pipeline', proof: PROOF }, measured, broken);
  saveResult('pipeline', size, { sampled: Number(SAMPLED), steps: measured, broken });
}

const inOrder = await main(process.argv[2] === 'full' ? 'full' : 'smoke');
process.exit(inOrder ? 0 : 1);
