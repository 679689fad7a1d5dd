import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { CommandsOf, leg } from '../testing/commands.js';
import { openedAccount, type Account } from './account.js';
import { Book, EMPTY_BOOKS } from './book.js';
import { decide, type LedgerCommand } from './decide.js';
import { overdraftMove } from './overdraft.js';
import { overdraftEvents } from './verdicts/overdraft.js';

const NOW = '2026-11-21T12:00:00.000Z';
const terms = { id: 'acct_1', asset: 'USD', kind: 'liability', overdraft: 'limited', overdraftLimit: 100n } as const;
const at = (booked: bigint, change: Partial<Account> = {}): Account => {
  const sides = booked < 0n ? { postedDebits: -booked } : { postedCredits: booked };
  return { ...openedAccount(terms), ...sides, ...change };
};
const unbounded = { overdraft: 'unbounded', overdraftLimit: 0n } as const;

describe('an overdraft', () => {
  it.each<[string, Account | undefined, Account, string | undefined, bigint, bigint]>([
    ['is drawn', at(5n), at(-1n), 'drawn', 0n, 1n],
    ['is drawn further', at(-1n), at(-100n), 'drawn', 1n, 100n],
    ['is repaid in part', at(-100n), at(-1n), 'repaid', 100n, 1n],
    ['is cleared to zero', at(-1n), at(0n), 'cleared', 1n, 0n],
    ['is cleared by more than was drawn', at(-1n), at(9n), 'cleared', 1n, 0n],
    ['of an asset is drawn by credits', at(0n), at(0n, { kind: 'asset', postedCredits: 3n }), 'drawn', 0n, 3n],
    ['ends with its bounds', at(-7n), at(-7n, unbounded), 'cleared', 7n, 0n],
    ['begins with them', at(-7n, unbounded), at(-7n), 'drawn', 0n, 7n],
    ['does not move where the account stays above zero', at(5n), at(0n), undefined, 0n, 0n],
    ['does not move by what is held', at(-5n), at(-5n, { pendingDebits: 90n }), undefined, 0n, 0n],
    ['does not move with its limit', at(-5n), at(-5n, { overdraftLimit: 5n }), undefined, 0n, 0n],
    ['is none of the outside world', at(5n, unbounded), at(-5n, unbounded), undefined, 0n, 0n],
    ['is none of a new account', undefined, at(0n), undefined, 0n, 0n],
  ])('%s', (_, before, account, kind, was, is) => {
    expect(overdraftMove(before, account)).toEqual(kind && { kind, account, before: was, after: is });
  });
});

describe('what is told of overdrafts', () => {
  const ours = new CommandsOf();
  const [world, credit, other] = [newId('account'), newId('account'), newId('account')];
  const book = new Book(EMPTY_BOOKS, NOW);
  const told = (command: LedgerCommand) => {
    const verdict = decide(book, command);
    return overdraftEvents(book.takeOverdrafts(), verdict, NOW);
  };
  const limited = { overdraft: 'limited', overdraft_limit: '100' } as const;
  told(ours.open(world, { overdraft: 'unbounded' }));
  told(ours.open(credit, limited));
  told(ours.open(other, limited));
  const moved = (kind: string, drawn_before: string, drawn_after: string, change: object) => ({
    type: `payflow.account.overdraft_${kind}.v1`,
    data: {
      account: credit,
      asset: 'USD',
      drawn_before,
      drawn_after,
      limit: '100',
      group: null,
      recorded_at: NOW,
      ...change,
    },
  });

  it('names what moved it, and the version that it left', () => {
    const draws = ours.transfer(credit, world, '60');
    expect(told(draws)).toEqual([moved('drawn', '0', '60', { transfer: draws.data.id, version: 2 })]);
    const hold = ours.hold(credit, world, '10');
    expect(told(hold)).toEqual([]);
    const posts = ours.postHold({ id: hold.data.id, debit: credit, credit: world }, null);
    expect(told(posts)).toEqual([moved('drawn', '60', '70', { transfer: posts.data.id, version: 4 })]);
    const repays = ours.group([leg(world, credit, '20')]);
    const [repaying] = repays.data.legs;
    const of = { transfer: repaying?.id, group: repays.data.id, version: 5 };
    expect(told(repays)).toEqual([moved('repaid', '70', '50', of)]);
    const reverses = ours.reverse({ id: draws.data.id, debit: credit, credit: world }, '50');
    const by = { transfer: reverses.data.transfer, version: 6 };
    expect(told(reverses)).toEqual([moved('cleared', '50', '0', by)]);
  });

  it('tells once of a group that moves an account to and fro, and of each account that it moves', () => {
    const group = ours.group([leg(credit, world, '50'), leg(world, credit, '20'), leg(other, world, '1')]);
    const of = { transfer: null, group: group.data.id };
    expect(told(group)).toEqual([
      moved('drawn', '0', '30', { ...of, version: 8 }),
      moved('drawn', '0', '1', { ...of, account: other, version: 2 }),
    ]);
    expect(told(ours.group([leg(credit, world, '50'), leg(world, credit, '50')]))).toEqual([]);
  });

  it('tells nothing of what was refused', () => {
    expect(told(ours.transfer(credit, world, '71'))).toEqual([]);
    expect(told(ours.update(credit, { overdraft_limit: '29' }))).toEqual([]);
  });

  it('tells that a change of the account ended it, or began it', () => {
    const neither = { transfer: null, version: 11 };
    expect(told(ours.update(credit, { overdraft: 'unbounded' }))).toEqual([
      moved('cleared', '30', '0', { ...neither, limit: '0' }),
    ]);
    expect(told(ours.transfer(credit, world, '5'))).toEqual([]);
    expect(told(ours.update(credit, limited))).toEqual([moved('drawn', '0', '35', { ...neither, version: 13 })]);
    expect(told(ours.update(credit, { overdraft: 'none' }))).toEqual([]);
  });

  it('names no group that nobody asked for: of what was asked for alone its transfer, of a correction the one in its place', () => {
    const account = newId('account');
    told(ours.open(account, limited));
    const alone = leg(account, world, '40');
    const draws = ours.group([alone], { id: fromUuid('group', uuidOf('transfer', alone.id)) });
    const movedBy = (command: LedgerCommand) =>
      told(command).map(({ data: { transfer, group, drawn_after } }) => ({ transfer, group, drawn_after }));
    expect(movedBy(draws)).toEqual([{ transfer: alone.id, group: null, drawn_after: '40' }]);
    const corrects = ours.correct({ id: alone.id, debit: account, credit: world }, '70');
    const inPlace = corrects.data.replacement.id;
    expect(movedBy(corrects)).toEqual([{ transfer: inPlace, group: null, drawn_after: '70' }]);
  });
});
