import { newId, uuidOf } from '@payflow/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { unlikePublished } from './archived-events.js';
import { publishedPayments } from './published-payments.js';
import { archived, databasesOf } from './testing/databases.js';

const tenant = uuidOf('tenant', newId('tenant'));
const [direct, card] = [newId('payment'), newId('payment')];
const [source, destination] = [newId('account'), newId('account')];

const { payments, archiver } = databasesOf('payments', 'archiver');

const cause = new Map<string, string>();
const created = '2026-01-02T03:04:05.678Z';
const terms = {
  method: { type: 'card', token: 'tok_1' },
  reference: 'order 1',
  metadata: { a: 'b' },
  customer: newId('customer'),
  created_at: created,
};
const money = {
  ...terms,
  source,
  destination,
  amount: '1000',
  asset: 'USD',
  amount_refunded: '0',
  failure: null,
};

async function published(
  id: string,
  state: string,
  told: { readonly version: number } & Readonly<Record<string, unknown>>,
): Promise<void> {
  const event = newId('event');
  cause.set(`${id}/${told.version}`, event);
  await archived(archiver, {
    tenant,
    livemode: true,
    event: uuidOf('event', event),
    topic: 'payments',
    type: `payflow.payment.${state}.v1`,
    subject: id,
    version: told.version,
    causation: event,
    actor: 'user_1',
    data: { ...money, ...told },
  });
}

async function kept(id: string, version: number, change: Readonly<Record<string, unknown>>): Promise<void> {
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
    method: terms.method,
    reference: terms.reference,
    metadata: terms.metadata,
    customer_id: uuidOf('customer', terms.customer),
    created_at: terms.created_at,
    ...change,
  };
  const names = Object.keys(row);
  await payments.query(
    `insert into payments (${names.join(', ')}, create_command_id, expires_at)
     values (${names.map((_, at) => `$${at + 1}`).join(', ')}, gen_random_uuid(), now())`,
    Object.values(row),
  );
}

/** As it is logged beside the row. */
async function changed(id: string, version: number, status: string): Promise<void> {
  await payments.query(
    `insert into payment_transitions (tenant_id, livemode, payment_id, version, from_status, to_status, actor, reason, cause_event_id)
     values ($1, true, $2, $3, 'processing', $4, 'user_1', 'captured', $5)`,
    [tenant, uuidOf('payment', id), version, status, uuidOf('event', String(cause.get(`${id}/${version}`)))],
  );
}

describe('payments against what was published of them', () => {
  const found = () => unlikePublished(payments.database, archiver.database, publishedPayments);
  beforeEach(async () => {
    await payments.query('delete from payments; delete from payment_transitions');
    await archiver.query('delete from archived_events');
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
    await changed(direct, 1, 'succeeded');
    await changed(card, 1, 'authorized');
    await changed(card, 2, 'partially_captured');
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
    ['another card', `method = '{"type":"card","token":"tok_2"}'`],
    ['another reference', `reference = 'order 2'`],
    ['other metadata', `metadata = '{"a":"c"}'`],
    ['another customer', 'customer_id = gen_random_uuid()'],
    ['a payment that it is a retry of', 'retry_of_id = gen_random_uuid()'],
    ['another beginning', `created_at = created_at - interval '1 day'`],
  ])('are not, with %s', async (_, change) => {
    await payments.query(`update payments set ${change} where id = '${uuidOf('payment', card)}'`);
    expect([...new Set(await found())]).toEqual([`${card} is not what was published`]);
  });

  it.each([
    ['somebody else', `actor = 'user_2'`],
    ['another message', 'cause_event_id = gen_random_uuid()'],
    ['another state', `to_status = 'succeeded'`],
    ['no change at all', 'version = 7'],
  ])('were not changed, by %s', async (_, change) => {
    const id = uuidOf('payment', card);
    await payments.query(`update payment_transitions set ${change} where payment_id = '${id}' and version = 1`);
    expect(await found()).toEqual([`${card} was changed to its version 1 otherwise than was published`]);
  });

  it('that were set back have what their last life published, each version for its own reason', async () => {
    const again = {
      capture: 'manual',
      amount_authorized: '1200',
      status: 'authorized',
      version: 1,
      amount_captured: '0',
    };
    await published(card, 'authorized', again);
    expect(await found()).toEqual([`${card} was changed to its version 1 otherwise than was published`]);
    await payments.query(
      `delete from payment_transitions where payment_id = '${uuidOf('payment', card)}' and version = 1`,
    );
    await changed(card, 1, 'authorized');
    expect(await found()).toEqual([]);
  });

  it('are missed', async () => {
    await payments.query(`delete from payments where id = '${uuidOf('payment', direct)}'`);
    expect(await found()).toEqual([`${direct} was published and is gone`]);
  });
});
