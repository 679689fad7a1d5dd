import { equal, ok } from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { uniqueSuffix, until } from '@payflow/testing';
import { expectBooksInOrder } from '../books/books.js';
import { ApiClient } from '../house/api-client.js';
import { PAYMENTS_PATH } from '../house/card-house.js';
import { Load, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers } from '../house/servers.js';
import type { ServiceProcess } from '../house/service-process.js';
import { SlowWay } from '../house/slow-way.js';
import { redisTroubles, type Trouble } from './redis-troubles.js';
import { table, withStage, type Run, type Scenario, type Stage } from './scenario.js';
import { percentile, WatchedReads } from './watched-reads.js';

const WRITERS = 4;
const READERS = 6;
const CALM_MS = 6_000;
const TROUBLE_MS = 8_000;
const SHORT_MS = 1_500;
/** How old the other process may be: a silence that is not noticed yet (1.5 s), and a machine that is busy. */
const BOUND_MS = 3_000;
/** What the issue promises. */
const SLOWER_MS_MAX = 50;
const USED_AGAIN_WITHIN_MS = 30_000;
/** It has to start first. */
const DIED_WITHIN_MS = 120_000;
const READS_OF_THE_NEXT = 200;

interface Phase {
  readonly [column: string]: string | number;
}

/** With one gateway every answer is what Postgres has at that moment; with two, what it had a bounded while ago. */
async function run(run: Run): Promise<void> {
  const random = new Random();
  run.say(`seed ${random.seed}`);
  const dir = scratchDir(`cache_${uniqueSuffix()}`);
  const servers = await startOwnServers({ dir, profile: 'test' });
  const way = await SlowWay.to(servers.redis.url);
  const troubles = redisTroubles(servers.redis, way);
  const urls = { ...servers.urls, redis: way.url };
  try {
    for (const gateways of run.short ? [1] : [1, 2])
      await withStage({ name: 'cache', servers: urls, disposable: true }, (stage) =>
        play(stage, { gateways, troubles, random, run }),
      );
  } finally {
    await way.close();
    await servers.stop();
  }
}

interface Play {
  readonly gateways: number;
  readonly troubles: readonly Trouble[];
  readonly random: Random;
  readonly run: Run;
}

async function play({ house, merchant }: Stage, { gateways, troubles, random, run }: Play): Promise<void> {
  const asked = gateways === 1 ? house.service('gateway') : await house.anotherProcess('gateway');
  if (gateways > 1) await asked.start();
  const api = new ApiClient(asked.url, merchant.apiKey);
  const load = new Load(merchant, { concurrency: WRITERS, random });
  const ended = () => load.sent.filter(({ final }) => final?.status === 201);
  const bound_ms = gateways === 1 ? 0 : BOUND_MS;
  const reads = new WatchedReads({ house, merchant, api, ended, random, bound_ms }, READERS);
  const phases: Phase[] = [];
  const phase = async (name: string, long_ms: number): Promise<number> => {
    const [before, written] = [reads.count, load.final];
    reads.beginPhase();
    await delay(run.short ? SHORT_MS : long_ms);
    reads.check();
    load.check();
    const [p50, p99] = [percentile(reads.took, 0.5), percentile(reads.took, 0.99)];
    phases.push({
      Redis: name,
      reads: reads.count - before,
      'p50 ms': p50.toFixed(1),
      'p99 ms': p99.toFixed(1),
      'payments ended': load.final - written,
    });
    ok(load.final > written, `payments end while Redis is ${name}`);
    return p99;
  };
  await untilUsed(asked);
  for (const trouble of troubles) {
    const calm = await phase('well', CALM_MS);
    await trouble.begin();
    const troubled = await phase(trouble.name, TROUBLE_MS);
    await trouble.end();
    await untilUsed(asked);
    reads.check();
    if (!run.short) ok(troubled < calm + SLOWER_MS_MAX, `Redis ${trouble.name}: p99 ${troubled} ms, before ${calm} ms`);
  }
  await reads.finish();
  const sent = await load.finish();
  equal(load.unknown, 0, 'no write may fail');
  if (gateways === 1) {
    await dieWithAFreshValue(asked, api, ended());
    const after = new WatchedReads({ house, merchant, api, ended, random, bound_ms }, READERS);
    await until('its successor was asked', () => after.count >= READS_OF_THE_NEXT);
    await after.finish();
  }
  api.close();
  await expectBooksInOrder(house, sent);
  await house.verify();
  run.say(
    `${gateways} gateway(s), answers at most ${bound_ms} ms old: ${reads.count} reads as Postgres has them\n${table(phases)}`,
  );
}

/** Dies right after it has put a value into Redis; the next one is there when this returns. */
async function dieWithAFreshValue(
  gateway: ServiceProcess,
  api: ApiClient,
  ended: readonly SentPayment[],
): Promise<void> {
  let died = false;
  await gateway.kill();
  await gateway.launch({ CRASH_AT: 'cache-written:5' });
  void gateway.supervise(() => (died = true));
  let at = 0;
  await until(
    'the gateway died at cache-written',
    async () => {
      await api.call(`${PAYMENTS_PATH}/${ended[at++ % ended.length]?.id}`);
      return died;
    },
    DIED_WITHIN_MS,
  );
  await gateway.untilReady();
}

/** The process uses its memory for accounts, which it does only while Redis lets it hear: it has recovered by itself. */
async function untilUsed(gateway: ServiceProcess): Promise<void> {
  const used = async (): Promise<number> => {
    const { body } = await gateway.probe('/metrics');
    return Number(/^payflow_cache_requests_total\{cache="account",answer="memory"\} (\d+)$/m.exec(body)?.[1] ?? 0);
  };
  const before = await used();
  await until('the cache is used again', async () => (await used()) > before, USED_AGAIN_WITHIN_MS);
}

export const cache: Scenario = {
  name: 'cache',
  summary:
    'Redis killed, paused, flushed, full, slow and forbidden under load: every answer as Postgres has it (D2, I28)',
  run,
};
