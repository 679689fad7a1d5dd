import { newId } from '@payflow/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandsOf } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

const SCOPES = ['transfers:read'];
let ledger: LedgerUnderTest;

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
});
afterAll(() => ledger.close());

const ours = new CommandsOf();

/** Two accounts, one of them with what it takes. */
async function opened() {
  const [world, wallet] = [newId('account'), newId('account')];
  await ledger.handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
  return { world, wallet };
}

it('tells of a transfer what was booked, and what has become of it since', async () => {
  const { world, wallet } = await opened();
  const payment = newId('payment');
  const transfer = ours.transfer(world, wallet, '100', { payment });
  const { id } = transfer.data;
  await ledger.handle([transfer]);
  const shown = async () => (await ledger.read(ours, `transfers/${id}`, SCOPES)).body;
  const accounts = { debit_account: world, credit_account: wallet };
  const before = await shown();
  expect(before).toMatchObject({
    id,
    object: 'transfer',
    ...accounts,
    amount: '100',
    payment,
    reversed: '0',
    version: 1,
  });
  const place = { id, debit: world, credit: wallet };
  const back = ours.reverse(place, '30');
  await ledger.handle([back]);
  expect(await shown()).toEqual({ ...before, reversed: '30', version: 2 });
  await ledger.handle([ours.reverse(place, '30')]);
  expect(await shown()).toEqual({ ...before, reversed: '60', version: 3 });
  const reversal = (await ledger.read(ours, `transfers/${back.data.transfer}`, SCOPES)).body;
  expect(reversal).toMatchObject({ reverses: id, debit_account: wallet, amount: '30', reversed: '0' });
});

it('tells of many at once, of those that were booked, to their owner', async () => {
  const { world, wallet } = await opened();
  const [one, two] = [ours.transfer(world, wallet, '1'), ours.transfer(world, wallet, '2')];
  await ledger.handle([one, two]);
  const question = { ids: [one.data.id, newId('transfer'), two.data.id] };
  const found = async (owner: typeof ours) =>
    (await ledger.ask(owner, 'transfers/found', question, SCOPES)).body as unknown as {
      data: { id: string; amount: string }[];
    };
  const { data } = await found(ours);
  expect(data.map(({ id, amount }) => `${id} ${amount}`).sort()).toEqual(
    [`${one.data.id} 1`, `${two.data.id} 2`].sort(),
  );
  expect(data.find(({ id }) => id === one.data.id)).toEqual(
    (await ledger.read(ours, `transfers/${one.data.id}`, SCOPES)).body,
  );
  expect((await found(new CommandsOf())).data).toEqual([]);
  for (const wrong of [{}, { ids: 7 }, { ids: ['tr_x'] }, { ids: Array<string>(1_001).fill(one.data.id) }])
    expect((await ledger.ask(ours, 'transfers/found', wrong, SCOPES)).status).toBe(400);
});

it('tells it to the owner alone, and to who may read transfers', async () => {
  const { world, wallet } = await opened();
  const transfer = ours.transfer(world, wallet, '1');
  await ledger.handle([transfer]);
  const path = `transfers/${transfer.data.id}`;
  expect((await ledger.read(new CommandsOf(), path, SCOPES)).status).toBe(404);
  expect((await ledger.read({ tenant: ours.tenant, livemode: true }, path, SCOPES)).status).toBe(404);
  expect((await ledger.read(ours, path)).status).toBe(403);
  expect((await ledger.read(ours, `transfers/${newId('transfer')}`, SCOPES)).status).toBe(404);
  expect((await ledger.read(ours, 'transfers/tr_x', SCOPES)).status).toBe(400);
});
