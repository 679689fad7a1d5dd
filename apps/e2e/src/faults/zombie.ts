import { equal } from 'node:assert/strict';
import { SUBSCRIPTIONS, type Service } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { expectBooksInOrder } from '../books/books.js';
import type { House } from '../house/house.js';
import { Load, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';
import type { ServiceProcess } from '../house/service-process.js';
import { withStage, type Run, type Scenario, type Stage } from './scenario.js';

const CONCURRENCY = 16;
const CAUGHT_WITHIN_MS = 30_000;
const TAKEN_OVER_WITHIN_MS = 60_000;
/** Whatever the stopped process had sent before has reached the server by then. */
const SETTLED_AFTER = '500 milliseconds';
const RECOVERED_PAYMENTS = 50;

/** A process is stopped inside a transaction, past its session; another takes over; it wakes: what it held is lost, and it writes nothing. */
async function run({ short, say }: Run): Promise<void> {
  const random = new Random();
  say(`seed ${random.seed}`);
  const victims: readonly Service[] = short ? ['ledger'] : ['payments', 'ledger', 'payments', 'ledger'];
  await withStage({ name: 'zombie' }, async (stage) => {
    const all: SentPayment[] = [];
    for (const service of victims) say(await playVictim(stage, stage.house.service(service), random, all));
    await stage.house.verify();
  });
}

async function playVictim(
  { house, merchant }: Stage,
  victim: ServiceProcess,
  random: Random,
  all: SentPayment[],
): Promise<string> {
  const load = new Load(merchant, { concurrency: CONCURRENCY, random });
  await until('payments flow', () => load.final >= RECOVERED_PAYMENTS);
  const held = await stopInsideTransaction(house, victim);
  const epochs = await epochsOf(house, victim.service);
  const successor = await house.anotherProcess(victim.service);
  await successor.start();
  const before = load.final;
  await until(
    `${successor.name} took over from ${victim.name}`,
    async () => {
      load.check();
      const now = await epochsOf(house, victim.service);
      return (
        load.final > before + RECOVERED_PAYMENTS &&
        [...epochs].every(([place, epoch]) => (now.get(place) ?? 0n) > epoch)
      );
    },
    TAKEN_OVER_WITHIN_MS,
  );
  victim.resume();
  await victim.untilReady();
  const after = load.final;
  await until('payments flow with both', () => load.final > after + RECOVERED_PAYMENTS);
  // The server ended the stopped process's transaction, so its successor was not kept waiting and nothing of it remains.
  const fate = await house.databases.value(victim.service, 'select pg_xact_status($1::text::xid8)', [held]);
  equal(fate, 'aborted', 'what the stopped process held must not commit after it woke');
  all.push(...(await load.finish()));
  await expectBooksInOrder(house, all);
  await successor.stop();
  return `${victim.name}: stopped inside transaction ${held}, ${successor.name} took over, woke: ${fate}; ${load.sent.length} payments, books in order`;
}

/** Stops the process while one of its transactions has written and not committed; returns that transaction's id. */
async function stopInsideTransaction(house: House, victim: ServiceProcess): Promise<string> {
  return until(
    `${victim.name} is inside a transaction`,
    async () => {
      victim.pause();
      const held = await heldTransaction(house, victim);
      if (held === undefined) victim.resume();
      return held;
    },
    CAUGHT_WITHIN_MS,
  );
}

/** A transaction that stays open: where the server still had a COMMIT to read when the process was stopped, it is gone. */
async function heldTransaction(house: House, victim: ServiceProcess): Promise<string | undefined> {
  let xid = await openTransaction(house, victim, '0 s');
  while (xid !== undefined) {
    const settled = await openTransaction(house, victim, SETTLED_AFTER);
    if (settled !== undefined) return settled;
    xid = await openTransaction(house, victim, '0 s');
  }
  return undefined;
}

async function openTransaction(house: House, victim: ServiceProcess, idleFor: string): Promise<string | undefined> {
  const database = new URL(house.installation.databaseUrl(victim.service)).pathname.slice(1);
  const [open] = await house.databases.adminRows<{ xid: string }>(
    `select backend_xid::text as xid from pg_stat_activity
     where datname = $1 and application_name like $2 and state = 'idle in transaction' and backend_xid is not null
       and state_change <= clock_timestamp() - $3::interval limit 1`,
    [database, `payflow-${victim.service}%`, idleFor],
  );
  return open?.xid;
}

/** The claims on the partitions that lie in the money's way. */
async function epochsOf({ databases }: House, service: Service): Promise<Map<string, bigint>> {
  const groups = Object.entries(SUBSCRIPTIONS)
    .filter(([, spec]) => spec.service === service)
    .map(([group]) => group);
  const rows = await databases.rows<{ place: string; epoch: string }>(
    service,
    `select consumer_group || '/' || partition as place, epoch from positions where consumer_group = any ($1)`,
    [groups],
  );
  return new Map(rows.map(({ place, epoch }) => [place, BigInt(epoch)]));
}

export const zombie: Scenario = {
  name: 'zombie',
  summary: 'a consumer stopped past its session and woken writes nothing (S3)',
  run,
};
