import { CRASH_POINTS, type Service } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { expectBooksInOrder } from '../books/books.js';
import type { House } from '../house/house.js';
import { republishAll } from '../house/outboxes.js';
import { Load, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';
import { everyPoint, shortRounds, type Death, type Round } from './crash-plan.js';
import { table, withStage, type Run, type Scenario, type Stage } from './scenario.js';

const CONCURRENCY = 16;
const FIRED_WITHIN_MS = 45_000;
/** Payments that must have ended before a death that a signal or a command sets off: something is in flight then. */
const UNDER_LOAD = 50;
/** More than any passage at which the gateway's inbox is armed. */
const ACCOUNTS_MAX = 20;

interface RoundResult {
  readonly sent: readonly SentPayment[];
  readonly seconds: number;
}

/** For each crash point: die there under load, start again, ask again with the same keys. Nothing lost, nothing doubled. */
async function run({ short, say }: Run): Promise<void> {
  const random = new Random();
  const rounds = short ? shortRounds() : everyPoint();
  say(`seed ${random.seed}; ${rounds.length} rounds, ${rounds.flat().length} deaths`);
  await withStage({ name: 'crash' }, async (stage) => {
    const all: SentPayment[] = [];
    const rows: Record<string, string | number>[] = [];
    for (const round of rounds) {
      const { sent, seconds } = await playRound(stage, round, random, all);
      rows.push(...round.map((death, at) => ({ ...rowOf(death), ...(at === 0 ? summary(sent, seconds) : {}) })));
      say(
        `${round.map(({ service, point }) => `${service} at ${point}`).join(', ')}: ${sent.length} payments, ${seconds} s`,
      );
    }
    await stage.house.verify();
    say(table(rows));
    if (!short) sayCoverage(rounds, say);
  });
}

async function playRound(
  { house, merchant }: Stage,
  round: Round,
  random: Random,
  all: SentPayment[],
): Promise<RoundResult> {
  const startedAt = performance.now();
  const load = new Load(merchant, { concurrency: CONCURRENCY, random });
  const deaths = await Promise.all(round.map((death) => arm(house, death)));
  await Promise.all(round.map((death, at) => setOff({ house, merchant }, death, load, deaths[at] as Watched)));
  await until(
    `${round.map(({ service, point }) => `${service} died at ${point}`).join(', ')}`,
    () => {
      load.check();
      return deaths.every(({ signal }) => signal === 'SIGKILL');
    },
    FIRED_WITHIN_MS,
  );
  await Promise.all(round.map(({ service }) => house.service(service).untilReady()));
  all.push(...(await load.finish()));
  await expectBooksInOrder(house, all);
  return { sent: load.sent, seconds: Math.round((performance.now() - startedAt) / 1_000) };
}

interface Watched {
  signal: string | undefined;
}

/** Restarts the service with the point armed; whatever ends it, it is started again without. */
async function arm(house: House, { service, point, passage }: Death): Promise<Watched> {
  const process = house.service(service);
  await process.stop();
  await process.launch({ CRASH_AT: `${point}:${passage}` });
  const watched: Watched = { signal: undefined };
  void process.supervise(({ signal, code }) => {
    watched.signal ??= signal ?? `code ${code}`;
  });
  return watched;
}

/**
 * Most points lie on every payment's way. Three need an occasion: a drain, rows that the relay must take up, and accounts,
 * which alone pass the gateway's inbox.
 */
async function setOff(
  { house, merchant }: Stage,
  { service, point }: Death,
  load: Load,
  watched: Watched,
): Promise<void> {
  const opensAccounts = point === 'inbox-insert' && service === 'gateway';
  if (point !== 'shutdown-drain' && point !== 'relay-claim' && !opensAccounts) return;
  await house.service(service).untilReady();
  const before = load.final;
  await until('payments are in flight', () => load.final >= before + UNDER_LOAD);
  if (point === 'shutdown-drain') return drain(house, service, watched);
  if (opensAccounts) {
    for (let opened = 0; opened < ACCOUNTS_MAX && watched.signal === undefined; opened++) await merchant.openAccount();
    return;
  }
  await republishAll(house, service, 'crash campaign');
}

/** A death in its own drain is no death that a supervisor would see: it is awaited, and the service started by hand. */
async function drain(house: House, service: Service, watched: Watched): Promise<void> {
  const process = house.service(service);
  const { exited } = process;
  process.terminate();
  const { signal, code } = await exited;
  watched.signal = signal ?? `code ${code}`;
  await process.launch();
}

function rowOf({ service, point, passage }: Death) {
  return { point: `${point}:${passage}`, service };
}

function summary(sent: readonly SentPayment[], seconds: number) {
  return {
    payments: sent.length,
    acknowledged: sent.reduce((sum, payment) => sum + payment.acknowledged, 0),
    unknown: sent.reduce((sum, payment) => sum + payment.unknown, 0),
    applied: sent.filter(({ final }) => final?.status === 201).length,
    refused: sent.filter(({ final }) => final?.status === 402).length,
    seconds,
  };
}

function sayCoverage(rounds: readonly Round[], say: Run['say']): void {
  const hit = new Set(rounds.flat().map(({ point }) => point));
  say(
    `${hit.size} of ${CRASH_POINTS.length} named points; by other campaigns: ${CRASH_POINTS.filter((point) => !hit.has(point)).join(', ') || 'none'}`,
  );
}

export const crash: Scenario = {
  name: 'crash',
  summary: 'each crash point under load: nothing lost, nothing doubled (S3)',
  run,
};
