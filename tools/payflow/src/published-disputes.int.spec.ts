import { newId, uuidOf } from '@payflow/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { unlikePublished } from './archived-events.js';
import { publishedDisputes } from './published-disputes.js';
import { archived, databasesOf } from './testing/databases.js';

const tenant = uuidOf('tenant', newId('tenant'));
const { payments, archiver } = databasesOf('payments', 'archiver');

const opened = {
  id: newId('dispute'),
  payment: newId('payment'),
  connector: 'cards',
  provider_reference: 'dp_1',
  status: 'needs_response',
  leg: 'taking',
  leg_reason: null,
  amount: '700',
  asset: 'USD',
  reason: 'fraudulent',
  source: newId('account'),
  destination: newId('account'),
  transfer: null,
  return_transfer: null,
  version: 1,
};
const lost = { ...opened, status: 'lost', leg: 'taken', transfer: newId('transfer'), version: 2 };

async function told(name: string, data: { readonly version: number }): Promise<void> {
  await archived(archiver, {
    tenant,
    livemode: true,
    event: uuidOf('event', newId('event')),
    topic: 'payments',
    type: `payflow.dispute.${name}.v1`,
    subject: opened.id,
    version: data.version,
    data,
  });
}

describe('disputes against what was published of them', () => {
  const found = () => unlikePublished(payments.database, archiver.database, publishedDisputes);
  beforeEach(async () => {
    await payments.query('delete from disputes');
    await archiver.query('delete from archived_events');
    await told('opened', opened);
    await told('lost', lost);
    await payments.query(
      `insert into disputes (tenant_id, livemode, id, payment_id, connector, provider_reference, status, leg, leg_try, amount_minor, asset,
         reason, source_account_id, destination_account_id, transfer_id, version, created_at, updated_at)
       values ($1, true, $2, $3, 'cards', 'dp_1', 'lost', 'taken', 1, 700, 'USD', 'fraudulent', $4, $5, $6, 2, now(), now())`,
      [
        tenant,
        uuidOf('dispute', lost.id),
        uuidOf('payment', lost.payment),
        uuidOf('account', lost.source),
        uuidOf('account', lost.destination),
        uuidOf('transfer', lost.transfer),
      ],
    );
  });

  it('are the same', async () => {
    expect(await found()).toEqual([]);
  });

  it.each([
    ['another amount', 'amount_minor = 70'],
    ['another end', `status = 'under_review'`],
    ['another payment', 'payment_id = gen_random_uuid()'],
    ['another reason', `reason = 'duplicate'`],
    ['another dispute at the provider', `provider_reference = 'dp_2'`],
    ['another transfer', 'transfer_id = gen_random_uuid()'],
    ['somebody else who is paid', 'destination_account_id = gen_random_uuid()'],
  ])('are not, with %s', async (_, change) => {
    await payments.query(`update disputes set ${change}`);
    expect(await found()).toEqual([`${lost.id} is not what was published`]);
  });

  it('are not, with an older version', async () => {
    await payments.query('update disputes set version = 1');
    expect([...new Set(await found())]).toEqual([`${lost.id} is not what was published`]);
  });

  it('are missed', async () => {
    await payments.query('delete from disputes');
    expect([...new Set(await found())]).toEqual([`${lost.id} was published and is gone`]);
  });
});
