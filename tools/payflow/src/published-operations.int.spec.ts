import { newId, uuidOf } from '@payflow/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { unlikePublished } from './archived-events.js';
import { publishedOperations } from './published-operations.js';
import { archived, databasesOf } from './testing/databases.js';

const tenant = uuidOf('tenant', newId('tenant'));
const payment = newId('payment');
const { payments, archiver } = databasesOf('payments', 'archiver');

const refund = {
  id: newId('refund'),
  kind: 'refund',
  status: 'succeeded',
  amount: '300',
  failure: null,
  reason: 'returned',
  metadata: { a: 'b' },
  command: newId('event'),
};
/** No column takes what it asked for. */
const capture = {
  ...refund,
  id: newId('capture'),
  kind: 'capture',
  status: 'failed',
  amount: String(2n ** 63n),
  failure: { code: 'capture_exceeded' },
  reason: null,
  command: newId('event'),
};
type Operation = typeof refund | typeof capture;

const uuid = ({ id, kind }: Operation) => uuidOf(kind === 'refund' ? 'refund' : 'capture', id);

async function ended(operation: Operation, amount: string | null): Promise<void> {
  await archived(archiver, {
    tenant,
    livemode: true,
    event: uuidOf('event', newId('event')),
    topic: 'payments',
    type: `payflow.${operation.kind}.${operation.status}.v1`,
    subject: operation.id,
    data: { ...operation, payment: { id: payment } },
  });
  const { kind, status, failure, reason, metadata, command } = operation;
  await payments.query(
    `insert into payment_operations (tenant_id, livemode, id, payment_id, kind, number, status, amount_minor, failure_code, reason, metadata,
       command_id, actor, version, created_at)
     values ($1, true, $2, $3, $4, $11, $5, $6, $7, $8, $9, $10, 'user_1', 1, now())`,
    [
      tenant,
      uuid(operation),
      uuidOf('payment', payment),
      kind,
      status,
      amount,
      failure?.code ?? null,
      reason,
      metadata,
      uuidOf('event', command),
      kind === 'refund' ? 2 : 1,
    ],
  );
}

describe('what was asked of payments against how it was published to have ended', () => {
  const found = () => unlikePublished(payments.database, archiver.database, publishedOperations);
  beforeEach(async () => {
    await payments.query('delete from payment_operations');
    await archiver.query('delete from archived_events');
    await ended(refund, refund.amount);
    await ended(capture, null);
  });

  it('is the same', async () => {
    expect(await found()).toEqual([]);
  });

  it.each([
    ['more that was given back', 'amount_minor = 3000'],
    ['another end', `status = 'failed', failure_code = 'x'`],
    ['another reason', `reason = 'fraud'`],
    ['other metadata', `metadata = '{}'`],
    ['somebody else who asked', 'command_id = gen_random_uuid()'],
    ['another payment', 'payment_id = gen_random_uuid()'],
  ])('is not, with %s', async (_, change) => {
    await payments.query(`update payment_operations set ${change} where kind = 'refund'`);
    expect(await found()).toEqual([`${refund.id} is not what was published`]);
  });

  it('is missed', async () => {
    await payments.query(`delete from payment_operations where kind = 'capture'`);
    expect(await found()).toEqual([`${capture.id} was published and is gone`]);
  });
});
