import { newId, uuidOf } from '@payflow/contracts';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MIGRATIONS } from './installation.js';
import { paymentsUnlikePublished } from './published-payments.js';

const tenant = uuidOf('tenant', newId('tenant'));
const [direct, card] = [newId('payment'), newId('payment')];
const [source, destination] = [newId('account'), newId('account')];

let payments: TestDatabase;
let archiver: TestDatabase;
let asked: Client;
let archive: Client;
beforeAll(async () => {
  [payments, archiver] = await Promise.all([
    createTestDatabase('payments', MIGRATIONS.payments),
    createTestDatabase('archiver', MIGRATIONS.archiver),
  ]);
  [asked, archive] = [payments, archiver].map(({ adminUrl }) => new Client({ connectionString: adminUrl })) as [
    Client,
    Client,
  ];
  await Promise.all([asked.connect(), archive.connect()]);
  for (const client of [asked, archive]) await client.query('set session_replication_role = replica');
  await archive.query('select ensure_partitions(1)');
});
afterAll(async () => {
  await Promise.all([asked.end(), archive.end()]);
  await Promise.all([payments.drop(), archiver.drop()]);
});

const money = { source, destination, amount: '1000', asset: 'USD', amount_refunded: '0', failure: null };

async function published(
  id: string,
  state: string,
  told: { readonly version: number } & Readonly<Record<string, unknown>>,
): Promise<void> {
  const event = newId('event');
  await archive.query(
    `insert into archived_events (tenant_id, livemode, event_id, id_time, topic, type, subject, aggregate_version, causation_id,
       correlation_id, actor, data)
     values ($1, true, $2, now(), 'payments.events.v1', $3, $4, $5, $6, '', 'spec', $7)`,
    [
      tenant,
      uuidOf('event', event),
      `payflow.payment.${state}.v1`,
      id,
      told.version,
      event,
      JSON.stringify({ ...money, ...told }),
    ],
  );
}

async function kept(id: string, version: number, change: object): Promise<void> {
  const row = {
    tenant_id: tenant,
    livemode: true,
    id: uuidOf('payment', id),
    version,
    amount_minor: 1000,
    asset: 'USD',
    source_account_id: uuidOf('account', source),
    destination_account_id: uuidOf('account', destination),
    capture: 'automatic',
    ...change,
  };
  const names = Object.keys(row);
  await asked.query(
    `insert into payments (${names.join(', ')}, method, metadata, create_command_id, created_at, expires_at)
     values (${names.map((_, at) => `$${at + 1}`).join(', ')}, '{}', '{}', gen_random_uuid(), now(), now())`,
    Object.values(row),
  );
}

describe('payments against what was published of them', () => {
  const found = () => paymentsUnlikePublished(payments.database, archiver.database);
  beforeEach(async () => {
    await asked.query('delete from payments');
    await archive.query('delete from archived_events');
    await published(direct, 'succeeded', { status: 'succeeded', version: 1, amount_captured: '1000' });
    await kept(direct, 1, { status: 'succeeded', amount_authorized_minor: 1000, amount_captured_minor: 1000 });
    // What came between is told as it was then.
    const manual = { capture: 'manual', amount_authorized: '1200' };
    await published(card, 'authorized', { ...manual, status: 'authorized', version: 1, amount_captured: '0' });
    await published(card, 'updated', {
      ...manual,
      status: 'partially_captured',
      version: 2,
      amount_captured: '700',
      amount_refunded: '5',
    });
    const sums = { amount_authorized_minor: 1200, amount_captured_minor: 700, amount_refunded_minor: 5 };
    await kept(card, 2, { status: 'partially_captured', capture: 'manual', ...sums });
    // Nothing has been told yet of one that has just been made.
    await kept(newId('payment'), 0, { status: 'processing' });
  });

  it('are the same', async () => {
    expect(await found()).toEqual([]);
  });

  it.each([
    ['another amount', 'amount_minor = 10000'],
    ['another asset', `asset = 'EUR'`],
    ['another payer', 'source_account_id = gen_random_uuid()'],
    ['another payee', 'destination_account_id = gen_random_uuid()'],
    ['more that may be captured', 'amount_authorized_minor = 12000'],
    ['less that was given back', 'amount_refunded_minor = 0'],
    ['another state', `status = 'canceled'`],
    ['an older version', 'version = 1'],
  ])('are not, with %s', async (_, change) => {
    await asked.query(`update payments set ${change} where id = '${uuidOf('payment', card)}'`);
    expect([...new Set(await found())]).toEqual([`${card} is not what was published`]);
  });

  it('are missed', async () => {
    await asked.query(`delete from payments where id = '${uuidOf('payment', direct)}'`);
    expect(await found()).toEqual([`${direct} was published and is gone`]);
  });
});
