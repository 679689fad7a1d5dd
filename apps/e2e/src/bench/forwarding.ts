import { uniqueSuffix } from '@payflow/testing';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers } from '../house/servers.js';
import type { ServiceProcess } from '../house/service-process.js';
import { Connection } from './connection.js';
import { treeCpu_us } from './cpu.js';
import { rangeOf, saveResult, type Range } from './result.js';

/**
 * Balances as of now, read through the gateway from the ledger: two gateways beside each other, one that forwards over HTTP/2
 * and one over HTTP/1.1, in turns, with so many readers at one time.
 */
const SIZES = { smoke: { pairs: 5, reads: 1_000 }, full: { pairs: 9, reads: 10_000 } };
const READERS = 32;
const WARM_UP_READS = 1_000;
const VERSIONS = ['2', '1.1'] as const;
type Version = (typeof VERSIONS)[number];

interface Round {
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Of gateway and ledger together. */
  readonly cpu_us: number;
}

async function main(size: keyof typeof SIZES): Promise<void> {
  const servers = await startOwnServers({ dir: scratchDir(`forwarding_${uniqueSuffix()}`), profile: 'durable' });
  let house: House | undefined;
  try {
    house = await House.open({ name: 'forwarding', servers: servers.urls, disposable: true });
    await measureHouse(house, size);
  } catch (error) {
    throw house ? house.failed(error) : error;
  } finally {
    await house?.close();
    await servers.stop();
  }
}

async function measureHouse(house: House, size: keyof typeof SIZES): Promise<void> {
  const { pairs, reads } = SIZES[size];
  const other = await house.anotherProcess('gateway');
  await other.start({ PAYFLOW_INTERNAL_HTTP_VERSION: '1.1' });
  const gateways: Record<Version, ServiceProcess> = { '2': house.service('gateway'), '1.1': other };
  const merchant = await Merchant.open(house.databases, house.api);
  const round = (version: Version, count: number) =>
    measure(gateways[version], house.service('ledger'), merchant, count);
  for (const version of VERSIONS) await round(version, WARM_UP_READS);
  const rounds: Record<Version, Round[]> = { '2': [], '1.1': [] };
  for (let pair = 0; pair < pairs; pair++) {
    for (const version of pair % 2 === 0 ? VERSIONS : VERSIONS.toReversed())
      rounds[version].push(await round(version, reads));
  }
  merchant.close();
  report(size, rounds);
}

async function measure(
  gateway: ServiceProcess,
  ledger: ServiceProcess,
  merchant: Merchant,
  reads: number,
): Promise<Round> {
  const cpu = () => treeCpu_us(gateway.pid) + treeCpu_us(ledger.pid);
  const before = cpu();
  const begun = performance.now();
  const { latencies, failed } = await readAll(Number(new URL(gateway.url).port), merchant, reads);
  const seconds = (performance.now() - begun) / 1_000;
  if (failed > 0) throw new Error(`${failed} of ${reads} reads were not answered with 200`);
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { per_second: reads / seconds, p50_ms: at(0.5), p99_ms: at(0.99), cpu_us: (cpu() - before) / reads };
}

function readAll(
  port: number,
  { apiKey, accounts }: Merchant,
  reads: number,
): Promise<{ latencies: number[]; failed: number }> {
  return new Promise((resolve) => {
    const latencies: number[] = [];
    let sent = 0;
    let failed = 0;
    const connections: Connection[] = [];
    const next = (connection: Connection) => {
      if (latencies.length === reads) {
        for (const one of connections) one.close();
        resolve({ latencies, failed });
      }
      if (sent === reads) return;
      const path = `/api/v1/accounts/${accounts[sent++ % accounts.length]}/balance`;
      const begun = performance.now();
      connection.send(`GET ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${apiKey}\r\n\r\n`, (status) => {
        latencies.push(performance.now() - begun);
        if (status !== 200) failed++;
      });
    };
    for (let reader = 0; reader < READERS; reader++) connections.push(new Connection(port, next));
    for (const connection of connections) next(connection);
  });
}

function report(size: string, rounds: Readonly<Record<Version, readonly Round[]>>): void {
  const show = ({ median, min, max }: Range, digits = 0) =>
    `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
  const ranges = (version: Version) => ({
    per_second: rangeOf(rounds[version].map(({ per_second }) => per_second)),
    p50_ms: rangeOf(rounds[version].map(({ p50_ms }) => p50_ms)),
    p99_ms: rangeOf(rounds[version].map(({ p99_ms }) => p99_ms)),
    cpu_us: rangeOf(rounds[version].map(({ cpu_us }) => cpu_us)),
  });
  const ratio = rangeOf(
    rounds['2'].map(({ per_second }, at) => per_second / (rounds['1.1'][at]?.per_second ?? per_second)),
  );
  for (const version of VERSIONS) {
    const { per_second, p50_ms, p99_ms, cpu_us } = ranges(version);
    console.error(
      `HTTP/${version.padEnd(4)} ${show(per_second)} reads/s, p50 ${show(p50_ms, 1)} ms, p99 ${show(p99_ms, 1)} ms, ${show(cpu_us)} µs CPU`,
    );
  }
  console.error(`HTTP/2 against HTTP/1.1: ${show(ratio, 2)} of the rate`);
  saveResult('forwarding', size, { readers: READERS, http2: ranges('2'), http1: ranges('1.1'), ratio });
}

await main(process.argv[2] === 'full' ? 'full' : 'smoke');
process.exit(0);
