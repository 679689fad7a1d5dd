import { newId, uuidOf } from '@payflow/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import { bookedOtherwise } from './booked-payments.js';
import { databasesOf } from './testing/databases.js';

const tenant = uuidOf('tenant', newId('tenant'));
const uuid = () => uuidOf('event', newId('event'));

const { payments, ledger } = databasesOf('payments', 'ledger');

interface Command {
  readonly id: string;
  readonly command: string;
  readonly event: string;
}
const command = (): Command => ({ id: uuid(), command: uuid(), event: uuid() });

async function verdict(kind: string, { id, command: by, event }: Command, type: string, data: object): Promise<void> {
  await ledger.query(
    `insert into verdicts (tenant_id, livemode, kind, id, content_hash, command_id, event_id, event_type, event_data)
     values ($1, true, $2, $3, '\\x00', $4, $5, $6, $7)`,
    [tenant, kind, id, by, event, `payflow.${type}.v1`, JSON.stringify(data)],
  );
}

async function payment(
  { id, command: by, event }: Command,
  status: string,
  division: string | null = null,
): Promise<void> {
  await payments.query(
    `insert into payments (tenant_id, livemode, id, status, version, amount_minor, asset, source_account_id, destination_account_id, method,
       metadata, create_command_id, created_at, expires_at, failure_code, ledger_command_id, verdict_event_id, division)
     values ($1, true, $2, $3, 1, 12, 'USD', $2, $2, '{}', '{}', $4, now(), now(), case when $3 = 'failed' then 'x' end, $5, $6, $7)`,
    [tenant, id, status, uuid(), by, event, division],
  );
}

async function step(name: string, { id, command: by, event }: Command, status: string, amount: number): Promise<void> {
  await payments.query(
    `insert into ledger_steps (tenant_id, livemode, operation_id, step, payment_id, command_id, command_type, command, status, hold_id,
       transfer_id, amount_minor, reason, verdict_event_id)
     values ($1, true, $2, $3, $2, $4, 'payflow.' || $3 || '.v1', '{}', $5, $2, $2, $6, case $5 when 'refused' then 'x' end, $7)`,
    [tenant, id, name, by, status, amount, event],
  );
}

const [direct, divided, failed, held, posted, voided, refused, dispute] = Array.from({ length: 8 }, command) as [
  Command,
  Command,
  Command,
  Command,
  Command,
  Command,
  Command,
  Command,
];

describe('what payments was told of the ledger against what that has booked', () => {
  const found = () => bookedOtherwise(payments.database, ledger.database);
  beforeEach(async () => {
    await payments.query('delete from payments; delete from ledger_steps; delete from dispute_legs');
    await ledger.query('delete from verdicts');
    await payment(direct, 'succeeded');
    await verdict('transfer', direct, 'transfer.posted', { amount: '12', asset: 'USD' });
    await payment(divided, 'succeeded', '{"parts":[]}');
    const legs = [
      { amount: '5', asset: 'USD' },
      { amount: '7', asset: 'USD' },
    ];
    await verdict('group', divided, 'group.posted', { legs });
    await payment(failed, 'failed');
    await verdict('transfer', failed, 'transfer.rejected', { amount: '12', asset: 'USD' });
    await step('hold.place', held, 'done', 20);
    await verdict('hold', held, 'hold.placed', { amount: '20', asset: 'USD' });
    await step('hold.post', posted, 'done', 8);
    await verdict('transfer', posted, 'hold.posted', { amount: '20', transferred: '8', asset: 'USD' });
    await step('hold.void', voided, 'done', 12);
    await verdict('change', { ...voided, id: voided.command }, 'hold.voided', { amount: '20' });
    // The id was another's, whose transfer stands.
    await step('transfer.post', refused, 'refused', 3);
    await verdict('transfer', { ...refused, command: uuid() }, 'transfer.posted', { amount: '4', asset: 'USD' });
    await payments.query(
      `insert into dispute_legs (tenant_id, livemode, transfer_id, dispute_id, direction, number, command_id, status, verdict_event_id)
       values ($1, true, $2, $2, 'out', 1, $3, 'posted', $4)`,
      [tenant, dispute.id, dispute.command, dispute.event],
    );
    await verdict('transfer', dispute, 'transfer.posted', { amount: '6', asset: 'USD' });
  });

  it('is the same', async () => {
    expect(await found()).toEqual([]);
  });

  const wrote = (change: string) => payments.query(change);
  const booked = (change: string) => ledger.query(change);
  it.each<[string, () => Promise<unknown>, string]>([
    [
      'a payment of more',
      () => wrote(`update payments set amount_minor = 120 where id = '${direct.id}'`),
      `payments/${direct.id} was booked with another amount`,
    ],
    [
      'one in another asset',
      () => wrote(`update payments set asset = 'EUR' where id = '${divided.id}'`),
      `payments/${divided.id} was booked with another amount`,
    ],
    [
      'one that was never booked',
      () => booked(`delete from verdicts where id = '${direct.id}'`),
      `payments/${direct.id} is told as booked, and was not`,
    ],
    [
      'one that was refused',
      () => wrote(`update payments set status = 'succeeded', failure_code = null where status = 'failed'`),
      `payments/${failed.id} is told as booked, and was not`,
    ],
    [
      'one that was booked and is told as failed',
      () => wrote(`update payments set status = 'failed', failure_code = 'x' where id = '${direct.id}'`),
      `payments/${direct.id} was booked, and is not told so`,
    ],
    [
      'one under the verdict on another',
      () => wrote(`update payments set verdict_event_id = gen_random_uuid() where id = '${direct.id}'`),
      `payments/${direct.id} is told as booked, and was not`,
    ],
    [
      'a step that took less',
      () => wrote(`update ledger_steps set amount_minor = 1 where step = 'hold.post'`),
      `ledger_steps/${posted.id}/hold.post was booked with another amount`,
    ],
    [
      'a hold that was not given back',
      () => booked(`delete from verdicts where kind = 'change'`),
      `ledger_steps/${voided.id}/hold.void is told as booked, and was not`,
    ],
    [
      "a dispute's money that was not moved",
      () => booked(`delete from verdicts where id = '${dispute.id}'`),
      `dispute_legs/${dispute.id} is told as booked, and was not`,
    ],
  ])('is not in %s', async (_, change, fault) => {
    await change();
    expect(await found()).toEqual([fault]);
  });
});
