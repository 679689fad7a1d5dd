import { newId } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

const FIFTY = 50;
let ledger: LedgerUnderTest;
const ours = new CommandsOf();
beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
});
afterAll(() => ledger.close());

type Answers = Awaited<ReturnType<LedgerUnderTest['handle']>>;
const told = (answers: Answers) => answers.map(({ type, data }) => ('reason' in data ? data.reason : type));
/** Each in a batch of its own, all at once. */
const race = async (commands: readonly LedgerCommand[]) =>
  told((await Promise.all(commands.map((command) => ledger.handle([command])))).flat());
const count = (outcomes: readonly unknown[], what: string) => outcomes.filter((one) => one === what).length;

async function opened() {
  const [debit, credit] = [newId('account'), newId('account')];
  await ledger.handle([ours.open(debit, { overdraft: 'unbounded' }), ours.open(credit)]);
  return { debit, credit };
}
async function transferred() {
  const accounts = await opened();
  const transfer = ours.transfer(accounts.debit, accounts.credit, '100');
  await ledger.handle([transfer]);
  return { id: transfer.data.id, ...accounts };
}
async function held() {
  const accounts = await opened();
  const hold = ours.hold(accounts.debit, accounts.credit, '100');
  await ledger.handle([hold]);
  return { id: hold.data.id, ...accounts };
}

describe('a reversal of a transfer as it was seen', () => {
  it('is one of fifty, and all of them in a batch', async () => {
    const [one, other] = [await transferred(), await transferred()];
    const asSeen = { if_standing: { version: 1, reversed: '0' } };
    const outcomes = await race(Array.from({ length: FIFTY }, () => ours.reverse(one, '1', asSeen)));
    expect([count(outcomes, 'payflow.group.posted.v1'), count(outcomes, 'version_differs')]).toEqual([1, FIFTY - 1]);
    expect(told(await ledger.handle([ours.reverse(other, '1', asSeen), ours.reverse(other, '1', asSeen)]))).toEqual([
      'payflow.group.posted.v1',
      'version_differs',
    ]);
  });

  it('is refused where its metadata is another, or more was moved back; a copy gets the first answer', async () => {
    const transfer = await transferred();
    const standing = (version: number, reversed: string) => ({ if_standing: { version, reversed } });
    const first = ours.reverse(transfer, '10', standing(2, '0'));
    const answers = await ledger.handle([
      ours.annotate(transfer, { a: '1' }),
      ours.reverse(transfer, '10', standing(1, '0')),
      first,
      ours.reverse(transfer, '10', standing(2, '0')),
      ours.correct(transfer, '40', standing(2, '0')),
    ]);
    expect(told(answers)).toEqual([
      'payflow.transfer.updated.v1',
      'version_differs',
      'payflow.group.posted.v1',
      'version_differs',
      'version_differs',
    ]);
    expect(told(await ledger.handle([first, ours.correct(transfer, '40', standing(2, '10'))]))).toEqual([
      'payflow.group.posted.v1',
      'payflow.group.posted.v1',
    ]);
    expect(told(await ledger.handle([ours.correct(transfer, '40', standing(2, '10'))]))).toEqual(['version_differs']);
  });
});

describe('what ends a hold as it was seen', () => {
  it('is one of fifty postings and releases', async () => {
    const hold = await held();
    const asSeen = { if_version: 1 };
    const outcomes = await race(
      Array.from({ length: FIFTY }, (_, at) =>
        at % 2 ? ours.voidHold(hold, false, asSeen) : ours.postHold(hold, '1', false, asSeen),
      ),
    );
    expect(count(outcomes, 'version_differs')).toBe(FIFTY - 1);
    const [won] = outcomes.filter((one) => one !== 'version_differs');
    expect(won).toMatch(/^payflow\.hold\.(posted|voided)\.v1$/);
  });

  it('goes on from version to version, and a copy gets the first answer', async () => {
    const hold = await held();
    const [first, second] = [
      ours.postHold(hold, '10', false, { if_version: 1 }),
      ours.postHold(hold, '10', false, { if_version: 2 }),
    ];
    expect(told(await ledger.handle([first, second, ours.voidHold(hold, false, { if_version: 2 })]))).toEqual([
      'payflow.hold.posted.v1',
      'payflow.hold.posted.v1',
      'version_differs',
    ]);
    expect(told(await ledger.handle([first, ours.voidHold(hold, false, { if_version: 3 })]))).toEqual([
      'payflow.hold.posted.v1',
      'payflow.hold.voided.v1',
    ]);
  });
});

describe('the closing of a month as it was seen', () => {
  const MONTH = '2025-06';

  it('is one of fifty, and all others hear that it is another', async () => {
    const theirs = new CommandsOf();
    const outcomes = await race(Array.from({ length: FIFTY }, () => theirs.closePeriod(MONTH, { if_version: 0 })));
    expect([count(outcomes, 'payflow.period.closing.v1'), count(outcomes, 'version_differs')]).toEqual([1, FIFTY - 1]);
  });

  it('leaves the month open where it was seen otherwise; a copy gets the first answer', async () => {
    const theirs = new CommandsOf();
    const first = theirs.closePeriod(MONTH, { if_version: 0 });
    const asked = [
      theirs.closePeriod(MONTH, { if_version: 1 }),
      first,
      theirs.closePeriod(MONTH, { if_version: 0 }),
      theirs.closePeriod(MONTH, { if_version: 1 }),
      theirs.closePeriod(MONTH),
    ];
    const closing = 'payflow.period.closing.v1';
    expect(told(await ledger.handle(asked))).toEqual(['version_differs', closing, 'version_differs', closing, closing]);
    expect(told(await ledger.handle([first]))).toEqual([closing]);
  });
});
