import { newId } from '@payflow/contracts';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { configureLogging } from '@payflow/telemetry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { invariants } from '../database/index.js';
import { PaymentsUnderTest, told } from '../testing/payments-under-test.js';

configureLogging({ level: 'silent' });

const CARD = { method: { type: 'card', token: 'tok_visa' }, capture: 'automatic' } as const;

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.close());

async function standstills(): Promise<readonly string[]> {
  const check = invariants.find(({ name }) => name === 'I15') as Invariant;
  return (await checkInvariant(payments.db.database, check, 'full')).sample;
}

/** A card payment of which the provider has answered, and the answer was discarded by an operator. */
async function discarded(outcome: 'approved' | 'declined') {
  const create = payments.create(CARD);
  await payments.tell(create);
  await payments.settle();
  const answer = await payments.answer(create.data.id, outcome);
  const { attempt } = answer.data as { attempt: string };
  await payments.db.tamper(
    `update attempts set status = '${outcome}', connector = 'cards' where id = typeid_uuid('${attempt}')`,
  );
  const sent = await payments.apply((tx) => payments.commands.discard([answer], tx));
  return { id: create.data.id, answer, attempt, sent };
}

it('an answer that an operator discards is told again later, and its operation is flagged until then', async () => {
  const { id, attempt, sent } = await discarded('approved');
  expect(sent).toEqual([]);
  expect(await payments.jobs(attempt)).toContain('attempt.retell');
  expect(await payments.row(id)).toMatchObject({ status: 'processing' });
  await payments.db.tamper(
    `update payment_operations set updated_at = updated_at - interval '10 minutes' where status = 'asking'`,
  );
  expect(await standstills()).toEqual([]);
  await payments.db.tamper(`update payment_operations set needs_attention = false where status = 'asking'`);
  expect(await standstills()).not.toEqual([]);
});

it.each(['approved', 'declined'] as const)(
  'told again, %s, it ends the payment as if nothing had been',
  async (outcome) => {
    const { id, answer } = await discarded(outcome);
    // The sweeper comes by, and changes nothing.
    await payments.tell(payments.message('payflow.payment.sweep.v1', { id }));
    await payments.tell({ ...answer, id: payments.message('payflow.payment.sweep.v1', { id }).id });
    const sent = await payments.settle();
    expect(told(sent)).toEqual([outcome === 'approved' ? 'payment.succeeded' : 'payment.failed card_declined']);
    expect(await payments.operations(id)).toEqual([
      outcome === 'approved' ? 'authorization 1000 succeeded' : 'authorization 1000 failed card_declined',
    ]);
  },
);

it('evidence that an operator discards is answered to whoever sent it', async () => {
  const { id } = payments.create(CARD).data;
  const dispute = newId('dispute');
  const facts = { id, dispute, evidence: { receipt: 'It was delivered.' }, created_at: new Date().toISOString() };
  const command = payments.message('payflow.dispute.submit_evidence.v1', facts);
  expect(await payments.apply((tx) => payments.commands.discard([command], tx))).toMatchObject([
    {
      type: 'payflow.dispute.evidence_rejected.v1',
      data: { id: dispute, payment: id, command: command.id, reason: 'discarded' },
    },
  ]);
  const damaged = { ...command, data: { ...command.data, dispute: 'dp_1' } };
  expect(await payments.apply((tx) => payments.commands.discard([damaged], tx))).toEqual([]);
});

it('one that has been heard already leaves everything as it is', async () => {
  const { id, answer } = await discarded('approved');
  await payments.tell(answer);
  await payments.settle();
  const before = await payments.row(id);
  await payments.apply((tx) => payments.commands.discard([answer], tx));
  expect(await payments.row(id)).toEqual(before);
});
