import type { ProviderAnswer } from '@payflow/connectors';
import { newUuid, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { enqueue, handled, JobWorker } from '@payflow/jobs';
import type { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Wishes } from '../testing/attempts.js';
import { attemptsStage } from '../testing/attempts-stage.js';
import { deskWith, Scripted, yes } from '../testing/scripted-provider.js';
import { providerJobs } from './ask-providers.js';
import { insertAttempts } from './attempt.repository.js';
import type { NewAttempt } from './attempt.js';
import { askingJob, inquiringJob, INQUIRIES_MAX, inquiryOf } from './provider-jobs.js';

configureLogging({ level: 'silent' });

/** As a connector of ten connections. */
const PLACES = 110;

let db: TestDatabase;
let messaging: Messaging;
let wishes: Wishes;
beforeAll(async () => {
  ({ db, messaging, wishes } = await attemptsStage());
});
afterAll(() => db.drop());

/** So many of one payment: what is asked of its connector is nobody else's. */
async function captures(connector: string, count: number): Promise<NewAttempt[]> {
  const facts = { action: 'capture', connector, request: { reference: 'auth_1' } } as const;
  const attempts = [await wishes.wish({ ...facts, operation: newUuid() })];
  while (attempts.length < count)
    attempts.push(await wishes.wish({ ...facts, operation: newUuid(), payment: attempts[0]?.payment as string }));
  return attempts;
}

async function wished(attempts: readonly NewAttempt[]): Promise<void> {
  await db.database.transaction(async (tx) => {
    await insertAttempts(
      tx,
      attempts.map((attempt) => ({ ...attempt, number: 1 })),
    );
    await enqueue(tx, providerJobs(attempts));
  });
}

it('two providers that stand still, with all that their connectors hold, leave a third its hands', async () => {
  const house = deskWith(db, messaging, 'one', 'two', 'three');
  let go = (): void => undefined;
  const standstill = new Promise<void>((resolve) => (go = resolve));
  for (const slow of [house.first, house.second]) slow.beforeAnswer = () => standstill;
  const connectors: readonly Scripted[] = house.connectors;
  const worker = new JobWorker({
    ...{ url: db.url, db: db.database, applicationName: 'slow-connectors' },
    jobs: [handled(askingJob(connectors.map(() => ({ places: PLACES }))), (run) => house.desk.ask(run))],
  });
  worker.start();
  try {
    await wished([...(await captures('one', PLACES)), ...(await captures('two', PLACES))]);
    await until(
      'both have all that they can hold',
      async () => asked(connectors, 0) + asked(connectors, 1) === 2 * PLACES,
    );
    const [last] = (await captures('three', 1)) as [NewAttempt];
    await wished([last]);
    await until('the third is asked', async () => asked(connectors, 2) === 1);
    await until(
      'and has answered',
      async () => (await wishes.attempts(last))[0]?.status === ('approved' satisfies ProviderAnswer['outcome']),
    );
  } finally {
    go();
    await worker.stop();
  }
  expect(asked(connectors, 2)).toBe(1);
});

/** Sent, and never answered: their providers are to be asked at once. */
async function unknown(attempts: readonly NewAttempt[], status = 'unknown'): Promise<void> {
  await db.database.transaction(async (tx) => {
    await insertAttempts(
      tx,
      attempts.map((attempt) => ({ ...attempt, number: 1 })),
    );
  });
  const ids = attempts.map(({ id }) => `'${uuidOf('attempt', id)}'`).join();
  await db.tamper(`update attempts set status = '${status}', sent_at = now(), unknown_at = now() where id in (${ids})`);
  await db.database.transaction((tx) =>
    enqueue(
      tx,
      attempts.map((attempt) => inquiryOf(attempt, 0)),
    ),
  );
}

it('a provider that answers no question leaves the others their hands, and each of its own is asked about in its turn', async () => {
  const house = deskWith(db, messaging, 'one', 'two');
  const { first, second, connectors } = house;
  let go = (): void => undefined;
  const standstill = new Promise<void>((resolve) => (go = resolve));
  first.beforeInquiryAnswer = () => standstill;
  // More than all the hands that there are.
  const many = await captures('one', 200);
  first.inquiryAnswers = many.map(() => yes);
  second.inquiryAnswers = [yes];
  const worker = new JobWorker({
    ...{ url: db.url, db: db.database, applicationName: 'slow-inquiries' },
    jobs: [handled(inquiringJob(connectors), (run) => house.desk.inquire(run))],
  });
  worker.start();
  try {
    await unknown(many);
    await until('one has all that it may hold', async () => first.inquiries === INQUIRIES_MAX);
    const [last] = (await captures('two', 1)) as [NewAttempt];
    await unknown([last]);
    await until('two has said how it ended', async () => (await wishes.attempts(last))[0]?.status === 'approved');
    expect(first.inquiries).toBe(INQUIRIES_MAX);
    go();
    const ended = async () => (await wishes.attempts(many[0] as NewAttempt)).map(({ status }) => status);
    await until('one has, of all', async () => (await ended()).every((status) => status === 'approved'));
  } finally {
    go();
    await worker.stop();
  }
  // What was put off was neither asked nor heard.
  expect(first.inquiries).toBe(many.length);
  const evidence = await wishes.evidence(many[0] as NewAttempt);
  expect(evidence).toEqual(many.map(() => ({ source: 'inquiry', outcome: 'approved', believed: true })));
});

const PUT_OFF = statement(
  'spec.put-off',
  `select (payload ->> 'putOff')::integer as times from graphile_worker._private_jobs where key = 'inquire/' || $1`,
);

it('a question that finds no room waits longer each time, also where its attempt waits for its customer', async () => {
  const house = deskWith(db, messaging, 'one');
  const { first, connectors } = house;
  let go = (): void => undefined;
  const standstill = new Promise<void>((resolve) => (go = resolve));
  first.beforeInquiryAnswer = () => standstill;
  const many = await captures('one', INQUIRIES_MAX);
  first.inquiryAnswers = [...many, 1].map(() => yes);
  const worker = new JobWorker({
    ...{ url: db.url, db: db.database, applicationName: 'put-off' },
    jobs: [handled(inquiringJob(connectors), (run) => house.desk.inquire(run))],
  });
  worker.start();
  const [last] = (await captures('one', 1)) as [NewAttempt];
  try {
    await unknown(many);
    await until('it has all that it may hold', async () => first.inquiries === INQUIRIES_MAX);
    await unknown([last], 'requires_action');
    const put = async () => (await db.database.rows<{ times: number }>(PUT_OFF, [uuidOf('attempt', last.id)]))[0];
    await until('it has been put off four times', async () => ((await put())?.times ?? 0) >= 4);
    expect(first.inquiries).toBe(INQUIRIES_MAX);
    go();
    await until('it has ended', async () => (await wishes.attempts(last))[0]?.status === 'approved');
  } finally {
    go();
    await worker.stop();
  }
});

const asked = (connectors: readonly Scripted[], at: number) => connectors[at]?.asked.length ?? 0;
