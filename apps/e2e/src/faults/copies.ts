import { equal } from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { uuidOf, type CrashPoint } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { Errand, type Done } from '../house/errand.js';
import { expectSame, lastWord, type Count } from '../house/intent.js';
import { Random } from '../house/random.js';
import { withStage, type Run, type Scenario, type Stage } from './scenario.js';

/** `deaths`: of which every second one comes at any moment, and the others at the gateway's points in turn. */
const FULL = { requests: 100_000, deaths: 32, side_by_side: 6, asked_again: 2_000 };
const SHORT = { requests: 800, deaths: 2, side_by_side: 2, asked_again: 30 };
const DIED_WITHIN_MS = 240_000;
const SETTLED_WITHIN_MS = 120_000;
const PASSAGES_MAX = 12;
/** Last words between two deaths: what is killed before it has done anything has nothing in flight. */
const BETWEEN = 40;
const PAUSE_MS_MAX = 400;

/** The points on the way of a change through the gateway. Of the relay's and the drain's own, `crash` has rounds. */
const POINTS: readonly CrashPoint[] = [
  'idempotency-insert',
  'commit-sent',
  'reply-written',
  'produce-sent',
  'payment-insert',
  'commit-acknowledged',
  'batch-commit',
  'outbox-insert',
  'produce-acknowledged',
  'inbox-insert',
  'record-received',
  'effect',
  'outbox-mark',
  'offset-commit',
];

interface Campaign extends Stage {
  readonly random: Random;
  readonly count: Count;
  readonly done: Done[];
  /** Points and moments at which the gateway has died. */
  readonly died: string[];
  failure: Error | undefined;
}

/** Every change is asked for by up to fifty at once while the gateway dies: done once, and answered to all in the same bytes. */
async function run({ short, say }: Run): Promise<void> {
  const random = new Random();
  const size = short ? SHORT : FULL;
  say(`seed ${random.seed}; ${size.requests} requests, ${size.deaths} deaths`);
  await withStage({ name: 'copies' }, async (stage) => {
    const count: Count = { answered: 0, unknown: 0, final: 0 };
    const campaign: Campaign = { ...stage, random, count, done: [], died: [], failure: undefined };
    const startedAt = performance.now();
    await Promise.all([
      ...Array.from({ length: size.side_by_side }, () => runErrands(campaign, size)),
      dieAgainAndAgain(campaign, size.deaths),
    ]);
    if (campaign.failure) throw campaign.failure;
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const intents = campaign.done.flatMap((done) => done.intents);
    say(
      `${intents.length} changes, ${count.answered} requests answered, ${count.final} of them finally, ${count.unknown} without a word, in ${seconds} s`,
    );
    say(`the gateway died ${campaign.died.length} times: ${campaign.died.join(', ')}`);
    await expectTheSameAgain(campaign, size.asked_again);
    await expectDoneOnce(campaign);
    await stage.house.untilCaughtUp(SETTLED_WITHIN_MS);
    await stage.house.verify();
    say('each change done once, and the last words of each the same byte for byte');
  });
}

/** Until all was asked and all deaths were died: neither a quick machine nor a slow one asks less. */
async function runErrands(campaign: Campaign, { requests, deaths }: typeof FULL): Promise<void> {
  const { merchant, random, count, done, died } = campaign;
  try {
    while (!campaign.failure && (count.answered < requests || died.length < deaths)) {
      const errand = new Errand(merchant, random, count, begun++);
      done.push(await errand.run());
    }
  } catch (error) {
    campaign.failure ??= error as Error;
  }
}

let begun = 0;

async function dieAgainAndAgain(campaign: Campaign, deaths: number): Promise<void> {
  const { random, count, died } = campaign;
  const first = random.below(POINTS.length);
  try {
    while (died.length < deaths) {
      const before = count.final;
      await until(
        'something was done since the last death',
        () => campaign.failure !== undefined || count.final >= before + BETWEEN,
        DIED_WITHIN_MS,
      );
      if (campaign.failure) return;
      const at = died.length;
      const point = at % 2 === 0 ? POINTS[(first + at / 2) % POINTS.length] : undefined;
      await (point === undefined ? dieAnytime(campaign) : dieAt(campaign, point));
      if (campaign.failure) return;
      died.push(point ?? 'any moment');
    }
  } catch (error) {
    campaign.failure ??= error as Error;
  }
}

async function dieAnytime({ house, random }: Campaign): Promise<void> {
  const gateway = house.service('gateway');
  await delay(random.below(PAUSE_MS_MAX));
  await gateway.kill();
  await gateway.start();
}

async function dieAt(campaign: Campaign, point: CrashPoint): Promise<void> {
  const gateway = campaign.house.service('gateway');
  await gateway.kill();
  await gateway.launch({ CRASH_AT: `${point}:${1 + campaign.random.below(PASSAGES_MAX)}` });
  let signal: string | undefined;
  void gateway.supervise((exit) => (signal ??= exit.signal ?? `code ${exit.code}`));
  await until(
    `the gateway died at ${point}`,
    () => signal !== undefined || campaign.failure !== undefined,
    DIED_WITHIN_MS,
  );
  if (campaign.failure) return;
  equal(signal, 'SIGKILL', `at ${point}`);
  await gateway.untilReady();
}

/** What was answered is answered so for ever: asked by one more each, after all deaths. */
async function expectTheSameAgain({ merchant, random, count, done }: Campaign, times: number): Promise<void> {
  const intents = done.flatMap((each) => each.intents);
  for (let time = 0; time < times; time++) {
    const intent = random.of(intents);
    const [one, other] = await Promise.all([
      lastWord(merchant.api, intent, count),
      lastWord(merchant.api, intent, count),
    ]);
    expectSame(intent, one, other);
    equal(one.headers['idempotency-replayed'], 'true', `${intent.path} is a replay`);
  }
}

/** The accounts of all errands have what each of their changes leaves when it is done once, and nothing on its way. */
async function expectDoneOnce({ house, done, merchant }: Campaign): Promise<void> {
  const balance = `select id::text, (posted_credits - posted_debits)::text as balance, (pending_debits + pending_credits)::text as held
    from accounts where id = any ($1::uuid[])`;
  const rows = await house.databases.rows<{ id: string; balance: string; held: string }>('ledger', balance, [
    done.map(({ account }) => uuidOf('account', account)),
  ]);
  equal(rows.length, done.length, 'every account is there');
  const expected = new Map(done.map((each) => [uuidOf('account', each.account), each.balance]));
  for (const row of rows) {
    equal(row.balance, String(expected.get(row.id)), `the balance of account ${row.id}`);
    equal(row.held, '0', `what is held of account ${row.id}`);
  }
  const clock = await merchant.api.call('/api/v1/test/clock');
  const { version } = JSON.parse(clock.kind === 'answer' ? clock.body.toString() : '{}') as { version?: number };
  equal(version, done.length, 'the test clock went on once for each errand');
}

export const copies: Scenario = {
  name: 'copies',
  summary: `every change asked for by up to fifty at once while the gateway dies: done once, answered alike (G4)`,
  run,
};
