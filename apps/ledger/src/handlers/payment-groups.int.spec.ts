import { newId, type MessageData } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariants } from '@payflow/invariants';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariants } from '../database/invariants.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

const OF_PAYMENT = statement(
  'spec.transfers-of-payment',
  `select amount_minor, group_id is not null as "isOfGroup" from transfers where payment_id = typeid_uuid($1) order by amount_minor`,
);

let ledger: LedgerUnderTest;
const ours = new CommandsOf();
const [world, shop, fees] = [newId('account'), newId('account'), newId('account')];
const legs = () => [leg(world, shop, '970'), leg(world, fees, '30')];

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
  await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(shop), ours.open(fees)]);
});
afterAll(() => ledger.close());

const handle = (commands: readonly LedgerCommand[]) => ledger.handle(commands);
const inAnHour = (hours = 1) => new Date(Date.now() + hours * 3_600_000).toISOString();

describe('a group that books a payment', () => {
  it('leaves the payment on each of its transfers, and tells it with the accounts and their terms', async () => {
    const payment = newId('payment');
    const [posted] = await handle([ours.group(legs(), { payment, valid_until: inAnHour() })]);
    expect(posted).toMatchObject({ type: 'payflow.group.posted.v1', data: { payment } });
    const { accounts } = posted?.data as { accounts: readonly object[] };
    expect(accounts).toHaveLength(3);
    for (const account of accounts) expect(account).toMatchObject({ asset: 'USD', kind: 'liability', state: 'open' });
    expect(await ledger.db.database.rows(OF_PAYMENT, [payment])).toEqual([
      { amount_minor: 30n, isOfGroup: true },
      { amount_minor: 970n, isOfGroup: true },
    ]);
  });

  it('is refused with its payment: for a leg, past its time, and as a whole', async () => {
    const payment = newId('payment');
    const refusal = async (more: object, first = leg(world, shop, '970')) =>
      (await handle([ours.group([first, leg(world, fees, '30')], { payment, ...more })]))[0];
    expect(await refusal({}, leg(shop, world, '999999'))).toMatchObject({
      type: 'payflow.group.rejected.v1',
      data: { payment, reason: 'insufficient_funds', leg: 0 },
    });
    expect(await refusal({ valid_until: inAnHour(-1) })).toMatchObject({
      data: { payment, reason: 'command_expired', leg: null },
    });
    expect(await refusal({ effective_at: inAnHour() })).toMatchObject({
      data: { payment, reason: 'effective_in_future' },
    });
    expect(await ledger.db.database.rows(OF_PAYMENT, [payment])).toEqual([]);
  });

  it('is answered the same however often it is asked for; for another payment its id is used', async () => {
    const group = ours.group(legs(), { payment: newId('payment') });
    const [first] = await handle([group]);
    const [again] = await handle([group]);
    expect(again).toMatchObject({ id: first?.id, data: { id: group.data.id, payment: group.data.payment } });
    const other = { ...group, id: newId('event'), data: { ...group.data, payment: newId('payment') } };
    expect((await handle([other as LedgerCommand]))[0]?.data).toMatchObject({
      reason: 'id_reused',
      payment: other.data.payment,
    });
  });

  it('says no word more where it books none', async () => {
    const [posted] = await handle([ours.group(legs())]);
    expect(posted?.data).not.toHaveProperty('payment');
    expect(Object.keys((posted?.data as MessageData['payflow.group.posted.v1']).accounts[0] ?? {})).toEqual([
      'id',
      'posted_debits',
      'posted_credits',
      'pending_debits',
      'pending_credits',
      'version',
    ]);
  });

  it('breaks no invariant of the books', async () => {
    const broken = (await checkInvariants(ledger.db.database, invariants)).filter(({ violations }) => violations > 0);
    // Nobody has sent what this spec took from the handler.
    expect(broken.filter(({ invariant }) => invariant !== 'I18' && invariant !== 'I20')).toEqual([]);
  });
});
