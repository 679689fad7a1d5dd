import { equal, ok } from 'node:assert/strict';
import { SERVICES, type Service } from '@payflow/contracts';
import { uniqueSuffix, until } from '@payflow/testing';
import { expectBooksInOrder } from '../books/books.js';
import type { House } from '../house/house.js';
import { describe } from '../house/merchant.js';
import { Load, newPayment, sendOnce, sendUntilFinal, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers, type OwnServers } from '../house/servers.js';
import { SpanCollector } from '../house/span-collector.js';
import { withStage, type Run, type Scenario, type Stage } from './scenario.js';

const CONCURRENCY = 16;
const BROKER_DOWN_MS = 30_000;
const BROKER_DOWN_SHORT_MS = 5_000;
const PROGRESS = 100;
const DEADLINE_MS = 60_000;
/** What the issue promises: how fast a refusal comes, and how soon service is back. */
const REFUSED_WITHIN_MS = 1_000;
const BACK_WITHIN_MS = 10_000;
const REFUSALS = 20;
const FLUSHES = 20;

interface Trial extends Stage {
  readonly servers: OwnServers;
  readonly collector: SpanCollector;
  readonly random: Random;
  readonly all: SentPayment[];
  readonly run: Run;
}

/** Each server the services need goes away under load and comes back; what the house promises meanwhile. */
async function run(run: Run): Promise<void> {
  const random = new Random();
  run.say(`seed ${random.seed}`);
  const dir = scratchDir(`dependencies_${uniqueSuffix()}`);
  const [servers, collector] = await Promise.all([startOwnServers({ dir, profile: 'test' }), SpanCollector.start()]);
  const environment = {
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER_ARG: '0.1',
  };
  try {
    await withStage({ name: 'dependencies', servers: servers.urls, disposable: true, environment }, async (stage) => {
      const trial: Trial = { ...stage, servers, collector, random, all: [], run };
      for (const lose of [redisAway, collectorAway, brokerAway, databaseAway]) {
        await lose(trial);
        await untilAllReady(stage.house);
      }
      await stage.house.verify();
    });
  } finally {
    await collector.stop();
    await servers.stop();
  }
}

/** Redis decides nothing: killed, empty or flushed, every answer is the same. */
async function redisAway({ house, merchant, servers, random, all, run }: Trial): Promise<void> {
  const load = new Load(merchant, { concurrency: CONCURRENCY, random });
  await progressOf(load);
  await servers.redis.kill();
  await progressOf(load);
  await untilReadiness(house, 'gateway', 200, 'redis');
  await servers.redis.restart();
  for (let flush = 0; flush < FLUSHES; flush++) {
    await servers.flushRedis();
    await progressOf(load, PROGRESS / FLUSHES);
  }
  all.push(...(await load.finish()));
  equal(load.unknown, 0, 'without Redis no request may fail');
  await expectBooksInOrder(house, all);
  run.say(
    `Redis killed, back, and flushed ${FLUSHES} times: ${load.sent.length} payments, no answer changed; gateway degraded, and ready`,
  );
}

async function collectorAway({ house, merchant, collector, random, all, run }: Trial): Promise<void> {
  const load = new Load(merchant, { concurrency: CONCURRENCY, random });
  await progressOf(load);
  ok(collector.spans.length > 0, 'spans arrive while the collector is there');
  await collector.stop();
  await progressOf(load, PROGRESS * 3);
  for (const service of SERVICES)
    equal((await house.service(service).probe('/readyz')).status, 200, `${service} stays ready`);
  all.push(...(await load.finish()));
  equal(load.unknown, 0, 'without a collector no request may fail');
  await expectBooksInOrder(house, all);
  run.say(`collector gone: ${load.sent.length} payments, no effect; all services ready`);
}

/** Accepted while the broker is away: 202, durable; ended once it is back. */
async function brokerAway({ house, merchant, servers, random, all, run }: Trial): Promise<void> {
  const load = new Load(merchant, { concurrency: CONCURRENCY, random });
  await progressOf(load);
  await servers.kafka.kill();
  const downUntil = performance.now() + (run.short ? BROKER_DOWN_SHORT_MS : BROKER_DOWN_MS);
  const accepted: SentPayment[] = [];
  while (performance.now() < downUntil) {
    const payment = newPayment(merchant, random);
    const reply = await sendOnce(merchant, payment, 1);
    ok(
      reply.kind === 'answer' && reply.status === 202,
      `a payment without a broker is answered 202, not ${describe(reply)}`,
    );
    const shown = await merchant.api.call(`/api/v1/payments/${payment.id}`);
    ok(shown.kind === 'answer' && shown.status === 200, `and is shown at once, not ${describe(shown)}`);
    accepted.push(payment);
  }
  await untilReadiness(house, 'gateway', 200, 'kafka');
  await untilReadiness(house, 'payments', 503, 'kafka');
  await untilReadiness(house, 'ledger', 503, 'kafka');
  await servers.kafka.restart();
  await Promise.all(accepted.map((payment) => sendUntilFinal(merchant, payment, performance.now() + DEADLINE_MS)));
  all.push(...(await load.finish()), ...accepted);
  await expectBooksInOrder(house, all);
  run.say(
    `broker killed for ${run.short ? BROKER_DOWN_SHORT_MS / 1_000 : BROKER_DOWN_MS / 1_000} s: ${accepted.length} payments answered 202 meanwhile, all of them ended; gateway degraded, payments and ledger not ready`,
  );
}

async function databaseAway({ house, merchant, servers, random, all, run }: Trial): Promise<void> {
  const load = new Load(merchant, { concurrency: CONCURRENCY, random });
  await progressOf(load);
  await servers.postgres.kill();
  let slowest_ms = 0;
  for (let refusal = 0; refusal < REFUSALS; refusal++) {
    const payment = newPayment(merchant, random);
    const startedAt = performance.now();
    const reply = await sendOnce(merchant, payment);
    slowest_ms = Math.max(slowest_ms, performance.now() - startedAt);
    equal(reply.kind === 'unknown' ? reply.status : describe(reply), 503);
    ok(reply.headers['retry-after'], 'a 503 says when to come back');
    // It may have been made durable for all its sender knows, and is asked for again like any other.
    all.push(payment);
  }
  ok(
    slowest_ms < REFUSED_WITHIN_MS,
    `503 within ${REFUSED_WITHIN_MS} ms, the slowest took ${Math.round(slowest_ms)} ms`,
  );
  for (const service of SERVICES) await untilReadiness(house, service, 503, 'postgres');
  await servers.postgres.restart();
  const restartedAt = performance.now();
  await until(
    'a payment is made again',
    async () => {
      const payment = newPayment(merchant, random);
      all.push(payment);
      return (await sendOnce(merchant, payment)).kind === 'answer';
    },
    DEADLINE_MS,
  );
  const back_ms = performance.now() - restartedAt;
  ok(back_ms < BACK_WITHIN_MS, `back within ${BACK_WITHIN_MS} ms, it took ${Math.round(back_ms)} ms`);
  await Promise.all(
    all
      .filter(({ final }) => !final)
      .map((payment) => sendUntilFinal(merchant, payment, performance.now() + DEADLINE_MS)),
  );
  all.push(...(await load.finish()));
  await expectBooksInOrder(house, all);
  run.say(
    `PostgreSQL killed: 503 with Retry-After in ${Math.round(slowest_ms)} ms at most, accepting again ${Math.round(back_ms)} ms after it was back; no service ready meanwhile`,
  );
}

async function progressOf(load: Load, payments = PROGRESS): Promise<void> {
  const before = load.final;
  await until(
    `${payments} more payments end`,
    () => {
      load.check();
      return load.final >= before + payments;
    },
    DEADLINE_MS,
  );
}

/** `/readyz` answers with the status, names the part that is down; the gateway's breaker of it is not closed. */
async function untilReadiness(house: House, service: Service, status: number, part: string): Promise<void> {
  await until(`${service} answers ${status} and says that ${part} is down`, async () => {
    const probe = await house.service(service).probe('/readyz');
    if (probe.status !== status) return false;
    const { checks, breakers } = JSON.parse(probe.body) as {
      readonly checks: readonly { readonly name: string; readonly status: string }[];
      readonly breakers: Readonly<Record<string, string>>;
    };
    // The gateway asks both all the time; the database has a spec of its own.
    const isAskedNoMore = service !== 'gateway' || part === 'postgres' || /^(half_)?open$/.test(breakers[part] ?? '');
    return checks.some(({ name, status: state }) => name === part && state === 'down') && isAskedNoMore;
  });
}

async function untilAllReady(house: House): Promise<void> {
  for (const service of SERVICES) {
    await until(`${service} is ready and lacks nothing`, async () =>
      (await house.service(service).probe('/readyz')).body.includes('"status":"ready"'),
    );
  }
}

export const dependencies: Scenario = {
  name: 'dependencies',
  summary: 'Redis, collector, broker and database go away and come back (S4)',
  run,
};
