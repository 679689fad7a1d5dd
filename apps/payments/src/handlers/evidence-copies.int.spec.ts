import { fromUuid } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, testMessage } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { DisputeStage } from '../testing/dispute-stage.js';
import { PaymentCommandsHandler } from './payment-commands.handler.js';

configureLogging({ level: 'silent' });

const ATTEMPTS = statement(
  'spec.evidence-attempts',
  'select id from attempts where payment_id = typeid_uuid($1) order by id',
);
const COUNTED = statement(
  'spec.counted-in-all',
  'select coalesce(sum(messages), 0)::integer as messages from received_tallies',
);

let kit: ReaderKit;
let stage: DisputeStage;

beforeAll(async () => {
  kit = await ReaderKit.of('payments.commands', migrations);
  stage = new DisputeStage(kit.db);
  const handler = new PaymentCommandsHandler();
  await kit.start({
    handle: (messages, tx) => handler.handle(messages as never, tx),
    begun: (messages, tx) => handler.begun(messages as never, tx),
  });
});
afterAll(() => kit.close());

const attempts = async (payment: string) =>
  (await kit.db.rows<{ id: string }>(ATTEMPTS, [payment])).map(({ id }) => fromUuid('attempt', id));

it('evidence that its provider did not take is not sent anew by a copy of its command, which counts once', async () => {
  const payment = await stage.payment();
  const { data, tenant } = payment;
  await stage.take([stage.notice(payment, 'dispute_opened')]);
  const [{ id: dispute = '' } = {}] = await stage.disputes(payment);
  const created_at = new Date().toISOString();
  const told = { id: data.id, dispute, evidence: { receipt: 'It was delivered.' }, created_at };
  const command = testMessage('payflow.dispute.submit_evidence.v1', told, { tenant });
  await kit.send([command]);
  await kit.untilRead();
  const [attempt = '', ...others] = await attempts(data.id);
  expect(others).toEqual([]);
  const said = { outcome: 'declined', code: 'evidence_too_large', connector: 'cards' } as const;
  const answer = { id: data.id, attempt, ...said, provider_reference: null, url: null };
  await stage.take([testMessage('payflow.dispute.answer.v1', answer, { tenant })]);

  await kit.send([command]);
  await kit.untilRead();
  expect(await attempts(data.id)).toEqual([attempt]);
  expect(await kit.db.rows(COUNTED)).toEqual([{ messages: 1 }]);
});
