import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ServiceProcess } from '../house/service-process.js';
import { newPayment, sendUntilFinal } from '../house/payments.js';
import { Random } from '../house/random.js';
import { MIXED, SERVED, KINDS, Requests, type Mix } from '../overload/asked.js';
import { Distance } from '../overload/distance.js';
import { lostOf } from '../overload/kept.js';
import { SlowSockets } from '../overload/loris.js';
import { goodput, isShed, isTaken, Offering, type Told } from '../overload/offered.js';
import { table, withStage, type Run, type Scenario, type Stage } from './scenario.js';
import { percentile } from './watched-reads.js';

/** So few that they are what is short, and not the machine that all of this runs on. */
const WORKERS = 4;
const QUEUE = 64;
/** So far is the gateway's database: what a worker does is wait for it, whoever else has work for this machine. */
const DISTANCE_MS = 5;
const TIMES_CAPACITY = 3;
/** To refund, and to look at; each is large enough for all refunds of the campaign. */
const PAYMENTS = 40;
const PAYMENT_AMOUNT = '1000000';
const PAID_WITHIN_MS = 60_000;
const PAID_WAIT_S = 5;
/** So many clients, each with its next request as soon as it has its answer, keep all workers busy. */
const CLIENTS = WORKERS * 2;
/** So many at once are more than there is room for: what is sent away costs less as well once it has been done often. */
const CLIENTS_TOO_MANY = WORKERS * 4;
const TOO_MANY_FOR_S = 2;
/** Warm is who has not become faster by so much for some seconds. */
const WARMER = 1.05;
const WARM_AFTER_S = 3;
const WARM_UP_S_MAX = 20;
/** As many as there are workers: none of them waits, unless somebody who asks for nothing holds one. */
const READERS = WORKERS;
const PAGE_BYTES = 4_096;

/** What can be done is measured before and after each round of what is too much. */
const FULL = { rounds: 1, capacity_s: 20, overload_s: 120, calm_s: 15, slow_s: 30, sockets: 1_000 };
const SHORT = { rounds: 3, capacity_s: 2, overload_s: 4, calm_s: 1, slow_s: 3, sockets: 200 };

/** What the issue promises. In short few are asked, others may work beside it, and nothing that is timed is judged. */
const PROMISED = { goodput: 0.8, critical: 0.99, shed_ms: 50, grown: 1.25, slower: 2, slower_ms: 10 };
const IN_SHORT = { goodput: 0.5, critical: 0.95 };

type Sizes = typeof FULL;

interface Trial extends Stage {
  readonly requests: Requests;
  readonly gateway: ServiceProcess;
  readonly port: number;
  readonly sizes: Sizes;
  readonly run: Run;
}

async function run(run: Run): Promise<void> {
  const random = new Random();
  run.say(`seed ${random.seed}`);
  await withStage({ name: 'overload' }, async (stage) => {
    const payments = await endedPayments(stage, random);
    const requests = new Requests(stage.merchant, payments, random);
    await withFarDatabase(stage, async (gateway) => {
      const port = Number(new URL(gateway.url).port);
      const trial: Trial = { ...stage, requests, gateway, port, sizes: run.short ? SHORT : FULL, run };
      const { told, asked, seen } = await overloaded(trial);
      await withSlowSockets(trial);
      await stage.house.untilCaughtUp();
      deepEqual(await lostOf(stage.house, told), []);
      await stage.house.verify();
      run.say(
        `${told.filter((one) => isTaken(one) && one.id).length} accepted writes are all there; the invariants hold`,
      );
      // Last: whatever was too slow, it is known that nothing was lost.
      judge(asked, seen, run.short);
    });
  });
}

/** With a second gateway beside the house's own: one that has few workers, and far to its database. */
async function withFarDatabase({ house }: Stage, play: (gateway: ServiceProcess) => Promise<void>): Promise<void> {
  const distance = new Distance(new URL(house.installation.databaseUrl('gateway')), DISTANCE_MS);
  await distance.open();
  const gateway = await house.anotherProcess('gateway');
  try {
    await gateway.start({ DATABASE_URL: distance.url, MAX_WORKERS: `${WORKERS}`, MAX_QUEUE_SIZE: `${QUEUE}` });
    await play(gateway);
  } finally {
    await gateway.stop();
    distance.close();
  }
}

function endedPayments({ merchant }: Stage, random: Random): Promise<string[]> {
  const payer = merchant.payingBetween(merchant.accounts);
  return Promise.all(
    Array.from({ length: PAYMENTS }, async () => {
      const payment = newPayment(payer, random);
      const large = { ...payment, body: { ...payment.body, amount: PAYMENT_AMOUNT } };
      await sendUntilFinal(merchant, large, performance.now() + PAID_WITHIN_MS, PAID_WAIT_S);
      equal(large.final?.status, 201);
      return large.id ?? '';
    }),
  );
}

interface Seen {
  readonly kept: number;
  readonly memory: Memory;
}

/** What was told of everything, and of what was asked for while it was too much. */
async function overloaded(
  trial: Trial,
): Promise<{ readonly told: readonly Told[]; readonly asked: readonly Told[]; readonly seen: Seen }> {
  const { gateway, requests, port, sizes, run } = trial;
  const all: Told[] = [];
  const offer = async (work: (offering: Offering) => Promise<void>): Promise<readonly Told[]> => {
    const offering = new Offering(port);
    await work(offering);
    offering.close();
    all.push(...offering.told);
    return offering.told;
  };
  const closed = (mix: Mix, clients: number, seconds: number) =>
    offer((offering) => offering.closedLoop(() => requests.next(mix), clients, seconds));
  const capacityFor = async (seconds: number): Promise<number> =>
    goodput(await closed(SERVED, CLIENTS, seconds), seconds);
  const told: Told[] = [];
  const shares: number[] = [];
  await closed(MIXED, CLIENTS_TOO_MANY, TOO_MANY_FOR_S);
  await warmUp(() => capacityFor(1));
  const memory = new Memory(gateway.pid);
  let before = await capacityFor(sizes.capacity_s);
  for (let round = 0; round < sizes.rounds; round++) {
    const rate = before * TIMES_CAPACITY;
    const asked = await offer((offering) => offering.openLoop(() => requests.next(MIXED), rate, sizes.overload_s));
    const after = await capacityFor(sizes.capacity_s);
    const share = goodput(asked, sizes.overload_s) / ((before + after) / 2);
    run.say(
      `capacity ${before.toFixed(0)} and ${after.toFixed(0)} writes/s with ${WORKERS} workers; ` +
        `offered ${rate.toFixed(0)}/s for ${sizes.overload_s} s: ${(share * 100).toFixed(0)} % of it done`,
    );
    told.push(...asked);
    shares.push(share);
    before = after;
  }
  memory.end();
  run.say(`memory × ${memory.growth.toFixed(2)}\n${table(KINDS.map((kind) => row(kind, told)))}`);
  return { told: all, asked: told, seen: { kept: percentile(shares, 0.5), memory } };
}

/** Until it does not get faster any more: a process that has just begun is slow, and its capacity no measure. */
async function warmUp(rateOfASecond: () => Promise<number>): Promise<void> {
  let [best, since] = [0, 0];
  for (let second = 0; second < WARM_UP_S_MAX && since < WARM_AFTER_S; second++) {
    const rate = await rateOfASecond();
    since = rate > best * WARMER ? 0 : since + 1;
    best = Math.max(best, rate);
  }
}

function judge(told: readonly Told[], { kept, memory }: Seen, short: boolean): void {
  const promised = short ? IN_SHORT : PROMISED;
  const share = (kind: Told['kind'], is: (one: Told) => boolean): number => {
    const asked = told.filter((one) => one.kind === kind);
    return asked.filter(is).length / asked.length;
  };
  const known = new Set([200, 201, 202, 503]);
  deepEqual(
    [...new Set(told.map(({ status }) => status))].filter((status) => !known.has(status)),
    [],
  );
  ok(kept >= promised.goodput, `${kept.toFixed(2)} of the capacity was used`);
  ok(share('critical', isTaken) >= promised.critical, 'what settles money gets through');
  ok(share('export', isShed) > 0.5, 'exports are put off');
  ok(share('critical', isShed) <= share('write', isShed), 'what is critical before what is written');
  ok(share('write', isShed) <= share('export', isShed), 'what is written before what is exported');
  if (short) return;
  const shed_ms = percentile(
    told.filter(isShed).map(({ took_ms }) => took_ms),
    0.99,
  );
  ok(shed_ms < PROMISED.shed_ms, `a refusal came after ${shed_ms.toFixed(1)} ms at p99`);
  ok(memory.growth < PROMISED.grown, `memory grew to ${memory.growth.toFixed(2)} of what it was`);
}

function row(kind: Told['kind'], told: readonly Told[]) {
  const asked = told.filter((one) => one.kind === kind);
  const p = (is: (one: Told) => boolean, share: number) =>
    percentile(
      asked.filter(is).map(({ took_ms }) => took_ms),
      share,
    ).toFixed(1);
  return {
    kind,
    asked: asked.length,
    done: asked.filter(isTaken).length,
    shed: asked.filter(isShed).length,
    'done p50 ms': p(isTaken, 0.5),
    'done p99 ms': p(isTaken, 0.99),
    'shed p50 ms': p(isShed, 0.5),
    'shed p99 ms': p(isShed, 0.99),
  };
}

/** Whoever reads is served while others hold on to the gateway without asking for anything. */
async function withSlowSockets({ requests, port, sizes, run }: Trial): Promise<void> {
  const reading = async (seconds: number): Promise<number> => {
    const offering = new Offering(port);
    await offering.closedLoop(() => requests.of('read'), READERS, seconds);
    offering.close();
    // Nothing of it was refused: slow clients hold no worker.
    deepEqual([...new Set(offering.told.map(({ status }) => status))], [200]);
    return percentile(
      offering.told.map(({ took_ms }) => took_ms),
      0.99,
    );
  };
  const calm_ms = await reading(sizes.calm_s);
  const slow = new SlowSockets(port, requests, sizes.sockets);
  try {
    const beside_ms = await reading(sizes.slow_s);
    run.say(
      `reads beside ${sizes.sockets} slow sockets: p99 ${beside_ms.toFixed(1)} ms, without them ${calm_ms.toFixed(1)} ms; ${slow.closed} were closed and came again`,
    );
    if (run.short) return;
    ok(slow.closed >= sizes.sockets, 'each is closed, and comes again');
    ok(beside_ms < calm_ms * PROMISED.slower + PROMISED.slower_ms, 'who asks does not feel who does not');
  } finally {
    slow.end();
  }
}

/** How much memory a process holds, second by second. */
class Memory {
  private readonly bytes: number[] = [];
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly pid: number) {
    this.timer = setInterval(() => this.look(), 1_000);
  }

  end(): void {
    clearInterval(this.timer);
    this.look();
  }

  /** The last quarter against the second: in the first, everything is used for the first time. */
  get growth(): number {
    const quarter = Math.max(1, Math.floor(this.bytes.length / 4));
    return percentile(this.bytes.slice(-quarter), 0.5) / percentile(this.bytes.slice(quarter, quarter * 2), 0.5);
  }

  private look(): void {
    this.bytes.push(Number(readFileSync(`/proc/${this.pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES);
  }
}

export const overload: Scenario = {
  name: 'overload',
  summary: 'three times what the gateway can do, and a thousand sockets that ask for nothing (G5)',
  run,
};
