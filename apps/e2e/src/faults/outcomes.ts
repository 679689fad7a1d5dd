import { setTimeout as delay } from 'node:timers/promises';
import type { CrashPoint } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { listed } from '../books/finding.js';
import { outsideFindings } from '../books/outside-books.js';
import { CardHouse } from '../house/card-house.js';
import { Traveller, type Journey } from '../house/journeys.js';
import { Random } from '../house/random.js';
import { untilAnswered } from '../house/wish.js';
import type { Run, Scenario } from './scenario.js';

const FULL = { operations: 5_000, deaths: 20, concurrency: 24 };
const SHORT = { operations: 90, deaths: 3, concurrency: 12 };
const SETTLED_WITHIN_MS = 180_000;
const PAUSE_MS_MAX = 2_500;
/** Operations between two deaths. */
const BETWEEN = 12;
/** Chance that the acquirer plays a bad scenario, whatever it is asked; and the share of them that there must be in the end. */
const CHAOS = '0.4';
const BAD_SHARE = 0.3;
/** Longer than what is left authorized stays so. */
const EIGHT_DAYS_S = 8 * 86_400;

/** Around a call to a provider, and where payments commits what came of it; beside deaths at any moment. */
const POINTS: readonly CrashPoint[] = [
  'provider-before-send',
  'provider-after-send',
  'provider-after-answer',
  'provider-after-commit',
  'batch-commit',
  'commit-sent',
];

const UNSETTLED = `select 'payment ' || id || ' is ' || status as what from payments
  where status not in ('succeeded', 'failed', 'canceled', 'expired')
  union all select 'operation ' || id || ' is ' || status from payment_operations where status not in ('succeeded', 'failed')
  union all select 'attempt ' || id || ' is ' || status from attempts
  where status not in ('approved', 'declined', 'not_sent') or needs_attention
  union all select 'dispute ' || id || ' is ' || status from disputes where status not in ('won', 'lost')`;
const HELD = `select 'account ' || id || ' holds ' || pending_debits || '/' || pending_credits as what from accounts
  where pending_debits <> 0 or pending_credits <> 0`;

/** Mixed operations, two fifths of them in trouble, while the payments service is killed: no double charge, and all of it ends. */
async function run({ short, say }: Run): Promise<void> {
  const random = new Random();
  const { operations, deaths, concurrency } = short ? SHORT : FULL;
  say(`seed ${random.seed}; ${operations} operations, ${deaths} deaths`);
  const desk = await CardHouse.open('outcomes', {}, { sandbox: { SANDBOX_CHAOS: CHAOS } });
  try {
    const startedAt = performance.now();
    const journeys: Journey[] = [];
    const done = () => sum(journeys, 'operations');
    const isOver = { killing: false, travelling: false };
    const killed = kill(desk, random, { deaths, done, isOver: () => isOver.travelling }).finally(
      () => (isOver.killing = true),
    );
    // They travel as long as somebody is to be killed: a quick machine has done its operations before the last death.
    const travellers = Array.from({ length: concurrency }, async () => {
      while (!isOver.travelling && !(isOver.killing && done() >= operations))
        journeys.push(await new Traveller(desk, random).travel());
    });
    await Promise.all([killed, Promise.all(travellers).finally(() => (isOver.travelling = true))]);
    say(
      `${journeys.length} payments, ${done()} operations, ${sum(journeys, 'declined')} declined, ${deaths} deaths, ${Math.round((performance.now() - startedAt) / 1_000)} s`,
    );
    await letExpire(desk);
    await settled(desk);
    await desk.house.untilCaughtUp();
    await desk.house.verify();
    say(`${journeys.filter(({ isLeft }) => isLeft).length} payments were left to expire, and did`);
    await sayWhatTheAcquirerDid(desk, { short, say });
  } catch (error) {
    throw desk.house.failed(error);
  } finally {
    await desk.close();
  }
}

/** What was left authorized expires in its time; the service dies once more while it does. */
async function letExpire({ house, merchant }: CardHouse): Promise<void> {
  const { status } = await untilAnswered(merchant.api, '/api/v1/test/clock', { advance_seconds: EIGHT_DAYS_S });
  if (status !== 200) throw new Error(`the test clock answered ${status}`);
  await house.service('payments').kill();
  await house.service('payments').start();
}

async function sayWhatTheAcquirerDid({ sandbox }: CardHouse, { short, say }: Run): Promise<void> {
  const [{ operations, books }, asked] = await Promise.all([sandbox.check(), sandbox.requests()]);
  const isBad = asked.filter(({ scenario }) => scenario !== null && scenario !== 'plain');
  const share = isBad.length / asked.length;
  say(
    `the acquirer was asked for ${asked.length} operations, ${Math.round(share * 100)} % of them in a bad scenario, did ${operations} and charged nobody twice: ${JSON.stringify(books)}`,
  );
  // Of a few dozen, chance may bring less.
  if (!short && share < BAD_SHARE) throw new Error(`only ${Math.round(share * 100)} % met a bad scenario`);
}

interface Campaign {
  readonly deaths: number;
  /** Operations that have ended. */
  readonly done: () => number;
  /** Whether a traveller has given up: nothing is done any more. */
  readonly isOver: () => boolean;
}

/** Ends the payments service again and again, in turn at a point of the code and at any moment; started anew at once. */
async function kill({ house }: CardHouse, random: Random, { deaths, done, isOver }: Campaign): Promise<void> {
  const payments = house.service('payments');
  let died = 0;
  for (let before = 0; died < deaths; before = done()) {
    // A service that is killed before it has its partitions back does no work: nothing would be in flight.
    await until(
      'something was done since the last death',
      () => done() >= before + BETWEEN || isOver(),
      SETTLED_WITHIN_MS,
    );
    if (isOver()) return;
    const point = died % 2 === 0 ? POINTS[(died / 2) % POINTS.length] : undefined;
    let signal: string | undefined;
    if (point === undefined) {
      await delay(random.below(PAUSE_MS_MAX));
      await payments.kill();
      signal = 'SIGKILL';
      await payments.start();
    } else {
      await payments.kill();
      await payments.launch({ CRASH_AT: `${point}:${1 + random.below(3)}` });
      void payments.supervise((exit) => (signal ??= exit.signal ?? 'none'));
      await until(`payments died at ${point}`, () => signal !== undefined || isOver(), SETTLED_WITHIN_MS);
      if (signal === undefined) return;
      await payments.untilReady();
    }
    died++;
  }
}

async function settled(desk: CardHouse): Promise<void> {
  let last: string[] = [];
  await until(
    'all of it has ended',
    async () => {
      const { databases } = desk.house;
      const [open, held, outside] = await Promise.all([
        databases.rows<{ what: string }>('payments', UNSETTLED),
        databases.rows<{ what: string }>('ledger', HELD),
        outsideFindings(desk),
      ]);
      last = [...open.map(({ what }) => what), ...held.map(({ what }) => what), ...outside.map(({ what }) => what)];
      return last.length === 0;
    },
    SETTLED_WITHIN_MS,
  ).catch((error: unknown) => {
    throw new Error(`not settled: ${listed(last.map((what) => ({ rule: 'P2', what })))}`, { cause: error });
  });
}

function sum(journeys: readonly Journey[], what: 'operations' | 'declined'): number {
  return journeys.reduce((all, journey) => all + journey[what], 0);
}

export const outcomes: Scenario = {
  name: 'outcomes',
  summary:
    'payments killed under mixed operations, two fifths of them in trouble: no double charge, and all of it ends (P2)',
  run,
};
