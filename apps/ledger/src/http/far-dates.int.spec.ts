import { newId } from '@payflow/contracts';
import { checkInvariants } from '@payflow/invariants';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { invariants } from '../database/index.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

const FIRST = '0001-01-01T00:00:00.000Z';
const LAST = '9999-12-31T23:59:59.999Z';
let ledger: LedgerUnderTest;
const ours = new CommandsOf();
const [world, wallet] = [newId('account'), newId('account')];
beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
  const opened = [ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)];
  await ledger.handle([
    ...opened,
    ours.group([leg(world, wallet, '100'), leg(wallet, world, '1')], { effective_at: FIRST }),
  ]);
  await ledger.handle([ours.transfer(world, wallet, '7')]);
});
afterAll(() => ledger.close());

it.each(['recorded', 'effective'])(
  'the first and the last day of the calendar are read by %s time as any other',
  async (basis) => {
    const at = async (instant: string) =>
      (await ledger.read(ours, `accounts/${wallet}/balance?as_of=${instant}&basis=${basis}`)).body['balance'];
    expect([await at(FIRST), await at(LAST)]).toEqual([basis === 'recorded' ? '0' : '99', '106']);
    const statement = async (query: string) =>
      (await ledger.read(ours, `accounts/${wallet}/statement?basis=${basis}&${query}`)).body;
    for (const period of [`from=${FIRST}`, `to=${LAST}`, `from=${FIRST}&to=${LAST}`]) {
      const lines: unknown[] = [];
      for (let after = ''; after !== 'null';) {
        const page = await statement(`${period}&limit=1${after && `&after=${after}`}`);
        expect(page).toMatchObject({ opening_balance: '0', closing_balance: '106' });
        lines.push(...(page['lines'] as { balance: string }[]).map(({ balance }) => balance));
        after = String(page['next']);
      }
      expect(lines).toEqual(['100', '99', '106']);
    }
    expect(await statement(`to=${FIRST}`)).toMatchObject({ closing_balance: '0', lines: [] });
    expect(await statement(`from=${LAST}`)).toMatchObject({ opening_balance: '106', lines: [] });
    for (const instant of [FIRST, LAST]) {
      const { status, body } = await ledger.read(ours, `trial_balance?as_of=${instant}&basis=${basis}`);
      expect([status, body['object']]).toEqual([200, 'trial_balance']);
    }
    const history = await ledger.read(ours, `accounts/${wallet}/transfers?created[gte]=${FIRST}&created[lt]=${LAST}`);
    expect(history.body['data']).toHaveLength(3);
  },
);

it('they leave books that prove themselves', async () => {
  const ofBooks = invariants.filter(({ name }) => ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I35'].includes(name));
  for (const { invariant, sample } of await checkInvariants(ledger.db.database, ofBooks))
    expect([invariant, sample]).toEqual([invariant, []]);
});
