import { fromUuid, newUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { acknowledgedWithoutPayment } from './acknowledged.js';
import { MIGRATIONS } from './installation.js';

const [tenant, account, id] = [newUuid(), newUuid(), newUuid()];

let gateway: TestDatabase;
let payments: TestDatabase;
beforeAll(async () => {
  [gateway, payments] = await Promise.all([
    createTestDatabase('gateway', MIGRATIONS.gateway, 2),
    createTestDatabase('payments', MIGRATIONS.payments, 2),
  ]);
  const common = `'${tenant}', false, '${id}'`;
  const rest = `1, 100, 'USD', '${account}', '${account}', '{}', '{}', now() - interval '1 hour', now()`;
  await gateway.tamper(`insert into payment_views (tenant_id, livemode, id, status, amount_captured_minor, amount_refunded_minor,
    version, amount_minor, asset, source_account_id, destination_account_id, method, metadata, created_at, updated_at)
    values (${common}, 'authorized', 0, 0, ${rest})`);
  await payments.tamper(`insert into payments (tenant_id, livemode, id, status, create_command_id, expires_at,
    version, amount_minor, asset, source_account_id, destination_account_id, method, metadata, created_at, updated_at)
    values (${common}, 'succeeded', gen_random_uuid(), now(), ${rest})`);
});
afterAll(() => Promise.all([gateway.drop(), payments.drop()]));

/** The gateway's database, of which something changes as soon as it was read once. */
function changingAfterwards(change: () => Promise<void>): Database {
  let isRead = false;
  const rows = async (...of: Parameters<Database['rows']>) => {
    const found = await gateway.database.rows(...of);
    if (!isRead) await change();
    isRead = true;
    return found;
  };
  return Object.assign(Object.create(gateway.database) as Database, { rows });
}

it('names what stays different, and not what has only just changed', { timeout: 30_000 }, async () => {
  const different = [`${fromUuid('payment', id)} (authorized here, succeeded there)`];
  expect(await acknowledgedWithoutPayment(gateway.database, payments.database)).toEqual(different);
  // The event of the capture comes.
  const captured = changingAfterwards(() =>
    gateway.tamper(`update payment_views set status = 'succeeded', amount_captured_minor = 100`),
  );
  expect(await acknowledgedWithoutPayment(captured, payments.database)).toEqual([]);
});
