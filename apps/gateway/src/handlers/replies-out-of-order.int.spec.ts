import type { MessageData, PaymentCreate } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../testing/stage.js';

const PAYMENTS = '/api/v1/payments';
let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

type State = MessageData['payflow.payment.updated.v1'];

const stateOf = ({ sequence: _, expires_at: __, confirm: ___, created_at, ...terms }: PaymentCreate): State => ({
  ...({ ...terms, created_at } as unknown as State),
  ...{ status: 'processing', version: 2, failure: null, amount_captured: '0', amount_refunded: '0' },
  ...{ accounts: [], updated_at: created_at },
});

it('a payment is answered with the state in which it rested first, though what came after was told before', async () => {
  const { client, house } = stage;
  const [source, destination] = [await client.open(), await client.open()];
  house.answering = false;
  const body = { source, destination, amount: '100', asset: 'USD', capture: 'manual', confirm: false };
  const key = { 'idempotency-key': 'told-in-another-order' };
  const ask = (wait: number) => client.post(PAYMENTS, body, { ...key, prefer: `wait=${wait}` });
  const made = await ask(0);
  expect(made.status).toBe(202);
  const id = made.body['id'] as string;
  const command = await until('the command is there', () =>
    house.commands.find((one) => one.type === 'payflow.payment.create.v1' && one.data.id === id),
  );
  const processing = stateOf(command.data as PaymentCreate);
  await house.publish('payflow.payment.updated.v1', processing, command);
  await until('it is shown', async () => (await client.get(`${PAYMENTS}/${id}`)).body['version'] === 2);
  const resting = { status: 'requires_action', version: 1, next_action: { type: 'confirm' } } as const;
  await house.publish('payflow.payment.requires_action.v1', { ...processing, ...resting }, command);
  const answer = await ask(10);
  expect([answer.status, answer.body]).toEqual([201, expect.objectContaining({ id, ...resting })]);
  expect((await client.get(`${PAYMENTS}/${id}`)).body).toMatchObject({ status: 'processing', version: 2 });
});
