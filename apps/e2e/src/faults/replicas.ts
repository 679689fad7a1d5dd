import { deepEqual, equal, ok } from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { removeServerFolder } from '@payflow/local-stack';
import { startStandby, uniqueSuffix, until, type Standby } from '@payflow/testing';
import { expectBooksInOrder } from '../books/books.js';
import { describe } from '../house/merchant.js';
import { newPayment, sendUntilFinal, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';
import { scratchDir } from '../house/scratch.js';
import { startOwnServers } from '../house/servers.js';
import { withStage, type Run, type Scenario, type Stage } from './scenario.js';

const READERS = 4;
const READS = 600;
const READS_SHORT = 150;
const LAG_MS = 10_000;
const DEADLINE_MS = 300_000;
/** More than the payments between two accounts that can be made while one is read. */
const PAGE = 200;

interface Trial extends Stage {
  readonly standby: Standby;
  readonly random: Random;
  readonly all: SentPayment[];
  readonly run: Run;
}

/** Who has answered, over gateway and ledger. */
type ByWhom = Readonly<Record<'replica' | 'primary' | 'again', number>>;

/** A replica at work, 10 s behind, killed, back, and promoted: every read shows what was acknowledged before it, and none fails. */
async function run(run: Run): Promise<void> {
  const random = new Random();
  run.say(`seed ${random.seed}`);
  const dir = scratchDir(`replicas_${uniqueSuffix()}`);
  const servers = await startOwnServers({ dir, profile: 'test' });
  const place = join(dir, 'standby');
  let standby: Standby | undefined;
  try {
    standby = await startStandby({ of: { url: servers.urls.postgres, dir: join(dir, 'postgres') }, dir: place });
    const options = { name: 'replicas', servers: servers.urls, disposable: true, replica: `127.0.0.1:${standby.port}` };
    await withStage(options, (stage) => play({ ...stage, standby: standby as Standby, random, all: [], run }));
  } finally {
    await standby?.stop();
    await servers.stop();
    removeServerFolder(place);
  }
}

async function play(trial: Trial): Promise<void> {
  const { house, standby, all, run } = trial;
  const reads = run.short ? READS_SHORT : READS;
  const atWork = await phase(trial, 'at work', (enough) => enough(reads));
  ok(atWork.replica > 0, 'a replica at work answers reads');
  await phase(trial, `replays nothing for ${LAG_MS / 1_000} s`, async (enough) => {
    await standby.run('select pg_wal_replay_pause()');
    await Promise.all([delay(LAG_MS), enough(reads)]);
    await standby.run('select pg_wal_replay_resume()');
  });
  await untilReplicaAnswers(trial);
  await phase(trial, 'killed under load', async (enough) => {
    await standby.kill();
    await enough(reads);
  });
  await standby.restart();
  await untilReplicaAnswers(trial);
  await phase(trial, 'promoted under load', async (enough) => {
    await standby.run('select pg_promote()');
    await enough(reads);
  });
  const after = await phase(trial, 'a primary of its own', (enough) => enough(reads));
  deepEqual([after.replica, after.again], [0, 0], 'one that was promoted is asked nothing');
  await expectBooksInOrder(house, all);
  await house.verify();
}

/** Pays and reads on and on while something happens. `enough(reads)`: resolves when so many more reads were answered. */
async function phase(
  trial: Trial,
  what: string,
  happening: (enough: (reads: number) => Promise<void>) => Promise<void>,
): Promise<ByWhom> {
  const before = await answered(trial);
  let count = 0;
  let isOver = false;
  let failure: unknown;
  const readers = Promise.all(
    Array.from({ length: READERS }, async () => {
      while (!isOver) count += await payAndRead(trial);
    }),
  ).catch((error: unknown) => (failure = error));
  const enough = (more: number): Promise<void> => {
    const goal = count + more;
    return until(`${more} more reads`, () => failure ?? count >= goal, DEADLINE_MS).then(() => undefined);
  };
  try {
    await happening(enough);
  } finally {
    isOver = true;
    await readers;
  }
  if (failure) throw failure;
  const now = await answered(trial);
  const by = Object.fromEntries(
    (['replica', 'primary', 'again'] as const).map((whom) => [whom, now[whom] - before[whom]]),
  ) as unknown as ByWhom;
  trial.run.say(
    `${what}: ${count} reads, none failed, none was old; statements by the replica ${by.replica}, by the primary ${by.primary}, by the primary after the replica had failed ${by.again}`,
  );
  return by;
}

/** Makes a payment, and reads at once what must show it. Returns how many reads. */
async function payAndRead({ merchant, random, all }: Trial): Promise<number> {
  const payment = newPayment(merchant, random);
  all.push(payment);
  await sendUntilFinal(merchant, payment, performance.now() + DEADLINE_MS);
  equal(payment.unknown, 0, 'the primary is there: no payment fails');
  const { source, destination } = payment.body;
  const id = payment.id ?? '';
  const [list, history] = await Promise.all([
    read(merchant, `/payments?source=${source}&destination=${destination}&limit=${PAGE}`),
    read(merchant, `/accounts/${destination}/transfers?limit=${PAGE}`),
    read(merchant, '/trial_balance'),
  ]);
  ok(list.includes(id), `the list lacks ${id}`);
  if (payment.final?.status === 201) ok(history.includes(id), `the history lacks ${id}`);
  return 3;
}

async function read({ api }: Stage['merchant'], path: string): Promise<string> {
  const reply = await api.call(`/api/v1${path}`);
  ok(reply.kind === 'answer' && reply.status === 200, `${path}: ${describe(reply)}`);
  return reply.body.toString('utf8');
}

async function answered({ house }: Trial): Promise<ByWhom> {
  const pages = await Promise.all(
    (['gateway', 'ledger'] as const).map(async (service) => (await house.service(service).probe('/metrics')).body),
  );
  const count = (by: string): number =>
    pages.reduce((sum, page) => {
      const [, value = '0'] = new RegExp(`^payflow_database_reads_total\\{by="${by}"\\} (\\d+)`, 'm').exec(page) ?? [];
      return sum + Number(value);
    }, 0);
  return { replica: count('replica'), primary: count('primary'), again: count('again') };
}

async function untilReplicaAnswers(trial: Trial): Promise<void> {
  const { replica } = await answered(trial);
  await until(
    'the replica answers again',
    async () => {
      await payAndRead(trial);
      return (await answered(trial)).replica > replica;
    },
    DEADLINE_MS,
  );
}

export const replicas: Scenario = {
  name: 'replicas',
  summary: 'a streaming replica at work, 10 s behind, killed and promoted: nothing old, no error (D3)',
  run,
};
