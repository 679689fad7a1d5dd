import { newId, uuidOf, type TestClock } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { testMessage, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandsOf } from './testing/commands.js';
import { LedgerUnderTest } from './testing/ledger-under-test.js';

const DAY_MS = 86_400_000;
const STATUS = statement('spec.hold-status', 'select status from holds where id = $1');

let ledger: LedgerUnderTest;
beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
});
afterAll(() => ledger.close());

const setClock = ({ tenant, livemode }: CommandsOf, version: number, ahead_ms: number) =>
  testMessage('payflow.ledger_clock.set.v1', { id: tenant, version, ahead_ms }, { tenant, livemode });

const travel = async (whose: CommandsOf, version: number, ahead_ms: number) =>
  ledger.handle([setClock(whose, version, ahead_ms)] as never);

/** Holds of both modes and of another space, of a day each. */
async function heldBy(ours: CommandsOf) {
  const [world, wallet] = [newId('account'), newId('account')];
  await ledger.handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
  const hold = ours.hold(world, wallet, '5', { expires_at: new Date(Date.now() + DAY_MS).toISOString() });
  await ledger.handle([hold]);
  return { hold, claim: { id: hold.data.id, debit: world, credit: wallet } };
}

const statusOf = async (id: string) =>
  (await ledger.db.database.rows<{ status: string }>(STATUS, [uuidOf('hold', id)]))[0]?.status;

describe('a test clock', () => {
  it('ends the holds of its own space, and no others', async () => {
    const [ours, theirs, live] = [new CommandsOf(), new CommandsOf(), new CommandsOf(undefined, true)];
    const [mine, another, real] = [await heldBy(ours), await heldBy(theirs), await heldBy(live)];
    // Nothing of what is live is moved by the clock of a space that has the same id.
    await travel(live, 1, 2 * DAY_MS);
    expect(await travel(ours, 1, 2 * DAY_MS)).toMatchObject([
      { type: 'payflow.ledger_clock.moved.v1', data: { id: ours.tenant, version: 1, ahead_ms: 2 * DAY_MS } },
    ]);
    await until('the hold has expired', async () => (await statusOf(mine.hold.data.id)) === 'expired');
    expect([await statusOf(another.hold.data.id), await statusOf(real.hold.data.id)]).toEqual(['pending', 'pending']);
    const [refused] = await ledger.handle([live.voidHold(real.claim, true)]);
    expect(refused?.data).toMatchObject({ reason: 'hold_not_expired' });
  });

  it('decides what can still be posted, before anybody has swept', async () => {
    const ours = new CommandsOf();
    const { claim } = await heldBy(ours);
    const [moved, posted] = await ledger.handle([setClock(ours, 1, 2 * DAY_MS), ours.postHold(claim, '5')] as never);
    expect(moved?.type).toBe('payflow.ledger_clock.moved.v1');
    expect(posted?.data).toMatchObject({ reason: 'hold_expired' });
  });

  it('takes each move once, and goes by the last of them in whichever order they come', async () => {
    const ours = new CommandsOf();
    const ahead = statement(
      'spec.ahead',
      'select ahead_ms::integer as ahead, version::integer, heard::text from test_clocks where tenant_id = $1',
    );
    const standing = async () => (await ledger.db.database.rows(ahead, [uuidOf('tenant', ours.tenant)]))[0];
    const [third, first, second] = [setClock(ours, 3, 30), setClock(ours, 1, 10), setClock(ours, 2, 20)];
    expect(await ledger.handle([third, first] as never)).toHaveLength(2);
    expect(await standing()).toEqual({ ahead: 30, version: 3, heard: '{[1,2),[3,4)}' });
    const versions = (told: readonly { data: unknown }[]) => told.map(({ data }) => (data as TestClock).version);
    expect(versions(await ledger.handle([first, second, second, third] as never))).toEqual([2]);
    expect(await standing()).toEqual({ ahead: 30, version: 3, heard: '{[1,4)}' });
    expect(versions(await travel(ours, 4, 0))).toEqual([4]);
    expect(await standing()).toEqual({ ahead: 0, version: 4, heard: '{[1,5)}' });
  });
});
