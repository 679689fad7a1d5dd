import { newId } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

let ledger: LedgerUnderTest;
const ours = new CommandsOf();

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
});
afterAll(() => ledger.close());

const handle = (commands: readonly LedgerCommand[]) => ledger.handle(commands);

describe('a group', () => {
  it('that stops on its last leg keeps the others, and tells of each leg what became of it', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    const legs = Array.from({ length: 998 }, () => leg(world, wallet, '1'));
    const [over, behind] = [leg(wallet, world, '999'), leg(world, wallet, '1')];
    const group = ours.group([...legs, over, behind], { mode: 'stop_on_first' });
    const [posted] = await handle([group]);
    expect(posted).toMatchObject({
      type: 'payflow.group.posted.v1',
      data: {
        legs: legs.map(({ id }) => ({ id })),
        stopped: { leg: 998, transfer: over.id, reason: 'insufficient_funds', skipped: [behind.id] },
      },
    });
    // What was not booked has taken no id.
    const [later] = await handle([ours.group([behind, { ...over, amount: '1' }])]);
    expect(later?.type).toBe('payflow.group.posted.v1');
    const [again] = await handle([{ ...group, id: newId('event') }]);
    expect(again).toMatchObject({ id: posted?.id, data: posted?.data });
  });

  it('that stops on its first leg leaves nothing, and names what it skipped', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    const legs = [leg(wallet, world, '1'), leg(world, wallet, '1')];
    const [refused] = await handle([ours.group(legs, { mode: 'stop_on_first' })]);
    expect(refused?.data).toMatchObject({ reason: 'insufficient_funds', leg: 0, skipped: [legs[1]?.id] });
    const [whole] = await handle([ours.group(legs)]);
    expect(whole?.data).not.toHaveProperty('skipped');
  });

  it('means something else when it may stop: the id is used', async () => {
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    const group = ours.group([leg(world, wallet, '1')]);
    await handle([group]);
    const [other] = await handle([
      { ...group, id: newId('event'), data: { ...group.data, mode: 'stop_on_first' } } as LedgerCommand,
    ]);
    expect(other?.data).toMatchObject({ reason: 'id_reused' });
  });
});
