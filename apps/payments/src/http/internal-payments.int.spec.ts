import { newId, uuidOf } from '@payflow/contracts';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { InternalPaymentsController } from './internal-payments.controller.js';

const tenant = uuidOf('tenant', newId('tenant'));
const id = uuidOf('payment', newId('payment'));
let db: TestDatabase;

beforeAll(async () => {
  db = await createTestDatabase('payments', migrations);
  await db.tamper(
    `insert into payments (tenant_id, livemode, id, status, version, amount_minor, asset, source_account_id, destination_account_id, method, metadata, create_command_id, ledger_command_id, created_at, expires_at)
     values ('${tenant}', false, '${id}', 'processing', 0, 1, 'USD', '${id}', '${id}', '{}', '{}', '${id}', '${id}', now(), now())`,
  );
});
afterAll(() => db.drop());

it('tells the state of each payment it is asked for, and of those it does not have', async () => {
  const here = { tenant, livemode: false, id };
  const elsewhere = { ...here, livemode: true };
  const { data } = await new InternalPaymentsController(db.database).states({ payments: [elsewhere, here] });
  expect(data).toEqual([
    { ...elsewhere, status: null },
    { ...here, status: 'processing' },
  ]);
});

it.each([undefined, null, {}, { payments: [{ id }] }, { payments: Array.from({ length: 1_001 }, () => ({})) }])(
  'refuses a question that is none',
  async (question) => {
    const answer = new InternalPaymentsController(db.database).states(question);
    await expect(answer).rejects.toMatchObject({ code: 'invalid_request' });
  },
);
