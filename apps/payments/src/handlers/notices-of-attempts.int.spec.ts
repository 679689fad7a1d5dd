import { newId, newUuid, uuidOf, type Message } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, statementsOf, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { DisputeStage } from '../testing/dispute-stage.js';

configureLogging({ level: 'silent' });

const JOBS = statement(
  'spec.jobs',
  `select t.identifier as task, j.payload -> 'data' ->> 'attempt' as attempt, j.payload ->> 'traceparent' as traceparent, extract(epoch from j.run_at - j.created_at)::float8 as due_s
   from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id where j.key = $1`,
);

/** Of the payment, and not of the webhook. */
const TRACE = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;

type Create = Message<'payflow.payment.create.v1'>;

let db: TestDatabase;
let stage: DisputeStage;
beforeAll(async () => {
  db = await createTestDatabase('payments', migrations);
  stage = new DisputeStage(db.database);
});
afterAll(() => db.drop());

/** An attempt on a payment's behalf, as the worker has it. */
async function attemptOn({ tenant, data }: Create, status: string): Promise<string> {
  const attempt = newId('attempt');
  const [owner, payment] = [`'${uuidOf('tenant', tenant)}', false`, uuidOf('payment', data.id)];
  await db.tamper(
    `insert into payment_operations (tenant_id, livemode, id, payment_id, kind, number, status, command_id, actor, created_at)
       values (${owner}, '${payment}', '${payment}', 'authorization', 1, 'succeeded', '${newUuid()}', 'spec', now());
     insert into attempts (tenant_id, livemode, id, payment_id, operation_id, action, asset, request, status, connector, traceparent)
       values (${owner}, '${uuidOf('attempt', attempt)}', '${payment}', '${payment}', 'sale', 'USD', '{}', '${status}', 'cards', '${TRACE}')`,
  );
  return attempt;
}

describe('a notice about an attempt', () => {
  it.each([
    ['unknown', 'at once', (due_s: number) => due_s <= 0],
    ['sending', 'if the answer does not come', (due_s: number) => due_s > 0 && due_s <= 1],
    ['declined', 'at once', (due_s: number) => due_s <= 0],
  ])('that is %s is kept, not believed, and has the provider asked %s; a copy has nobody asked', async (...facts) => {
    const [status, , isDue] = facts;
    const payment = await stage.payment();
    const attempt = await attemptOn(payment, status);
    const traceparent = `00-${'c3'.repeat(16)}-${'d4'.repeat(8)}-01`;
    const news = stage.notice(payment, 'attempt_approved', { attempt, code: null, amount: null });
    const notice = { ...news, traceparent };
    const asked = () => statementsOf(() => stage.take([notice]));
    expect(await asked()).toEqual(['disputes.save', 'jobs.enqueue']);
    const jobs = await db.database.rows<{ due_s: number }>(JOBS, [`inquire/${uuidOf('attempt', attempt)}`]);
    expect(await asked()).toEqual(['disputes.save']);
    expect(await stage.evidence(payment)).toEqual([{ outcome: 'attempt_approved', believed: false }]);
    expect(jobs).toMatchObject([{ task: 'provider.inquire', attempt, traceparent: TRACE }]);
    expect(jobs.map(({ due_s }) => isDue(due_s))).toEqual([true]);
  });

  it('that another connector was asked for is kept, not believed, and has nobody asked', async () => {
    const payment = await stage.payment();
    const attempt = await attemptOn(payment, 'unknown');
    const more = { attempt, code: null, amount: null, connector: 'cards_b' };
    expect(await statementsOf(() => stage.take([stage.notice(payment, 'attempt_declined', more)]))).toEqual([
      'disputes.save',
    ]);
    expect(await stage.evidence(payment)).toEqual([{ outcome: 'attempt_declined', believed: false }]);
  });

  it('that says what the provider has said itself is kept, and nobody is asked', async () => {
    const payment = await stage.payment();
    const attempt = await attemptOn(payment, 'approved');
    const notice = stage.notice(payment, 'attempt_approved', { attempt, code: null, amount: null });
    expect(await statementsOf(() => stage.take([notice]))).toEqual(['disputes.save']);
    expect(await stage.evidence(payment)).toEqual([{ outcome: 'attempt_approved', believed: false }]);
  });
});
