import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SERVICES, type Service } from '@payflow/contracts';
import { uniqueSuffix } from '@payflow/testing';
import { House } from '../house/house.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers } from '../house/servers.js';
import type { ServiceProcess } from '../house/service-process.js';
import { rangeOf, saveResult, type Range } from './result.js';

/**
 * From the start of a process to the first `/readyz` that says `ready`, service by service while the other four run: with its
 * parts side by side, and one after the other, in turns. What each part took is the service's own word.
 */
const PAIRS = { smoke: 3, full: 7 };
const ORDERS = ['parallel', 'one_by_one'] as const;
type Order = (typeof ORDERS)[number];

const LOOK_MS = 5;
const READY_WITHIN_MS = 60_000;
const PERCENT = 100;

interface Start {
  readonly ready_ms: number;
  readonly parts_ms: Readonly<Record<string, number>>;
}

interface Compared {
  readonly service: Service;
  readonly parallel_ms: Range;
  readonly one_by_one_ms: Range;
  /** Of each pair, how much less the start took side by side, %. */
  readonly saved_percent: Range;
  readonly parts_ms: Readonly<Record<Order, Readonly<Record<string, number>>>>;
}

async function main(size: 'smoke' | 'full'): Promise<void> {
  const servers = await startOwnServers({ dir: scratchDir(`start_up_${uniqueSuffix()}`), profile: 'durable' });
  let house: House | undefined;
  try {
    house = await House.open({ name: 'start_up', servers: servers.urls, disposable: true });
    const compared: Compared[] = [];
    for (const service of SERVICES) compared.push(await compare(house.service(service), PAIRS[size]));
    print(compared);
    saveResult('start-up', size, { services: compared });
  } catch (error) {
    throw house ? house.failed(error) : error;
  } finally {
    await house?.close();
    await servers.stop();
  }
}

async function compare(process: ServiceProcess, pairs: number): Promise<Compared> {
  const starts: Record<Order, Start[]> = { parallel: [], one_by_one: [] };
  // The first one reads the code from the disk, and is no part of the figures.
  await measure(process, 'parallel');
  for (let pair = 0; pair < pairs; pair++) {
    for (const order of pair % 2 === 0 ? ORDERS : ORDERS.toReversed())
      starts[order].push(await measure(process, order));
  }
  const ready = (order: Order) => starts[order].map(({ ready_ms }) => ready_ms);
  const saved = ready('parallel').map((ms, at) => PERCENT * (1 - ms / (ready('one_by_one')[at] ?? ms)));
  return {
    service: process.service,
    parallel_ms: rangeOf(ready('parallel')),
    one_by_one_ms: rangeOf(ready('one_by_one')),
    saved_percent: rangeOf(saved),
    parts_ms: { parallel: medianParts(starts.parallel), one_by_one: medianParts(starts.one_by_one) },
  };
}

async function measure(process: ServiceProcess, order: Order): Promise<Start> {
  await process.stop();
  const written = readFileSync(process.logFile).length;
  const begun = performance.now();
  await process.launch({ PAYFLOW_START_UP: order });
  while (!(await isReady(process))) {
    if (performance.now() - begun > READY_WITHIN_MS) throw new Error(`${process.name} did not become ready`);
    await delay(LOOK_MS);
  }
  const ready_ms = performance.now() - begun;
  return { ready_ms, parts_ms: await toldParts(process, written) };
}

/** `ready` and not only `degraded`: with everything it starts. */
async function isReady(process: ServiceProcess): Promise<boolean> {
  const { status, body } = await process.probe('/readyz');
  return status === 200 && (JSON.parse(body) as { status: string }).status === 'ready';
}

/** The parts of the last start, from its log. */
async function toldParts(process: ServiceProcess, from: number): Promise<Start['parts_ms']> {
  for (const until = performance.now() + READY_WITHIN_MS; performance.now() < until; await delay(LOOK_MS)) {
    const lines = readFileSync(process.logFile).subarray(from).toString().split('\n');
    const line = lines.find((line) => line.includes('"msg":"ready"'));
    if (line) return (JSON.parse(line) as { parts_ms: Start['parts_ms'] }).parts_ms;
  }
  throw new Error(`${process.name} did not tell what its start took`);
}

function medianParts(starts: readonly Start[]): Record<string, number> {
  const names = [...new Set(starts.flatMap(({ parts_ms }) => Object.keys(parts_ms)))];
  return Object.fromEntries(
    names.map((name) => [name, rangeOf(starts.map(({ parts_ms }) => parts_ms[name] ?? 0)).median]),
  );
}

function print(compared: readonly Compared[]): void {
  const show = ({ median, min, max }: Range) => `${Math.round(median)} (${Math.round(min)} to ${Math.round(max)})`;
  for (const { service, parallel_ms, one_by_one_ms, saved_percent, parts_ms } of compared) {
    console.error(
      `${service.padEnd(11)} side by side ${show(parallel_ms)} ms, one by one ${show(one_by_one_ms)} ms, ${show(saved_percent)} % less`,
    );
    for (const order of ORDERS) {
      const parts = Object.entries(parts_ms[order]).map(([name, ms]) => `${name} ${ms}`);
      console.error(`  ${order.padEnd(10)} ${parts.join(', ')} ms`);
    }
  }
}

await main(process.argv[2] === 'full' ? 'full' : 'smoke');
process.exit(0);
