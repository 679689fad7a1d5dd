import { newId } from '@payflow/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandsOf, leg } from '../testing/commands.js';
import type { Account } from './account.js';
import { Book, EMPTY_BOOKS } from './book.js';
import { decide, type LedgerCommand, type Verdict } from './decide.js';

const NOW = '2026-11-21T12:00:00.000Z';
const ours = new CommandsOf();
const reasonOf = ({ type, data }: Verdict) => ('reason' in data ? data.reason : type.slice('payflow.'.length, -3));
const decideAll = (book: Book, ...commands: readonly LedgerCommand[]) =>
  commands.map((command) => reasonOf(decide(book, command)));

describe('a book', () => {
  it('lets later commands of a batch see what earlier ones did', () => {
    const book = new Book(EMPTY_BOOKS, NOW);
    const [world, wallet] = [newId('account'), newId('account')];
    const hold = ours.hold(wallet, world, '3');
    const moved = ours.transfer(world, wallet, '5');
    expect(
      decideAll(
        book,
        ours.open(world, { overdraft: 'unbounded' }),
        ours.open(wallet),
        ours.transfer(wallet, world, '1'),
        moved,
        hold,
        ours.transfer(wallet, world, '3'),
        ours.postHold({ id: hold.data.id, debit: wallet, credit: world }, '2', false),
        ours.voidHold({ id: hold.data.id, debit: wallet, credit: world }),
        ours.voidHold({ id: hold.data.id, debit: wallet, credit: world }),
        ours.reverse({ id: moved.data.id, debit: world, credit: wallet }, '3'),
        ours.reverse({ id: moved.data.id, debit: world, credit: wallet }, '3'),
        ours.group([leg(world, wallet, '1'), leg(wallet, world, '2')]),
        ours.update(wallet, { state: 'frozen' }),
        ours.transfer(world, wallet, '1'),
      ),
    ).toEqual([
      'account.opened',
      'account.opened',
      'insufficient_funds',
      'transfer.posted',
      'hold.placed',
      'insufficient_funds',
      'hold.posted',
      'hold.voided',
      'hold_not_pending',
      'group.posted',
      'reversal_exceeds_original',
      'insufficient_funds',
      'account.updated',
      'account_frozen',
    ]);
  });

  it('keeps ids and paths of one tenant apart from those of another', () => {
    const book = new Book(EMPTY_BOOKS, NOW);
    const id = newId('account');
    const theirs = new CommandsOf();
    const till = { path: 'till' };
    expect(decideAll(book, ours.open(id, till), theirs.open(id, till), ours.open(newId('account'), till))).toEqual([
      'account.opened',
      'account.opened',
      'account_exists',
    ]);
    expect(decideAll(book, theirs.transfer(id, newId('account'), '1'))).toEqual(['account_not_found']);
  });

  it('nets changed accounts and leaves refused commands without a trace', () => {
    const [a, b] = [newId('account'), newId('account')];
    const first = new Book(EMPTY_BOOKS, NOW);
    decideAll(first, ours.open(a, { overdraft: 'limited', overdraft_limit: '10' }), ours.open(b));
    const loaded = { ...EMPTY_BOOKS, accounts: first.changes().opened };
    const refused = new Book(loaded, NOW);
    decideAll(refused, ours.transfer(a, b, '11'), ours.group([leg(a, b, '5'), leg(a, b, '6')]), ours.hold(a, b, '11'));
    const { changed, transfers, holds } = refused.changes();
    expect([changed.size, transfers.length, holds.size]).toEqual([0, 0, 0]);
    const moved = new Book(loaded, NOW);
    decideAll(moved, ours.transfer(a, b, '2'), ours.group([leg(a, b, '2'), leg(a, b, '2')]), ours.hold(a, b, '3'));
    const accounts = [...moved.changes().changed.values()];
    expect(accounts.map((each) => [each.postedDebits, each.postedCredits, each.pendingDebits, each.version])).toEqual([
      [6n, 0n, 3n, 5],
      [0n, 6n, 0n, 5],
    ]);
    expect(moved.changes().transfers.length).toBe(3);
  });

  it('balances whatever is decided, and never passes a floor', () => {
    const ids = Array.from({ length: 6 }, () => newId('account'));
    const step = fc.record({
      what: fc.constantFrom('transfer', 'group', 'hold', 'post', 'void', 'reverse'),
      from: fc.integer({ min: 0, max: 5 }),
      to: fc.integer({ min: 0, max: 5 }),
      amount: fc.integer({ min: 0, max: 200 }),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const book = new Book(EMPTY_BOOKS, NOW);
        ids.forEach((id, at) => decide(book, ours.open(id, at === 0 ? { overdraft: 'unbounded' } : {})));
        const holds: { id: string; debit: string; credit: string }[] = [];
        const transfers: { id: string; debit: string; credit: string }[] = [];
        for (const { what, from, to, amount, at } of steps) {
          const [debit, credit] = [ids[from] as string, ids[to] as string];
          const [hold, transfer] = [holds[at % (holds.length || 1)], transfers[at % (transfers.length || 1)]];
          const command = commandOf(what, { debit, credit, amount: String(amount) }, hold, transfer);
          if (!command) continue;
          if (decide(book, command).type === 'payflow.hold.placed.v1')
            holds.push({ id: command.data.id, debit, credit });
          if (command.type === 'payflow.transfer.post.v1') transfers.push({ id: command.data.id, debit, credit });
        }
        const accounts = [...book.changes().opened.values()];
        const sum = (pick: (account: Account) => bigint) =>
          accounts.reduce((total, account) => total + pick(account), 0n);
        expect(sum((account) => account.postedDebits)).toBe(sum((account) => account.postedCredits));
        expect(sum((account) => account.pendingDebits)).toBe(sum((account) => account.pendingCredits));
        const pending = [...book.changes().holds.values()].map(({ hold }) => hold);
        const left = pending.filter(({ status }) => status === 'pending').map(({ amount, posted }) => amount - posted);
        expect(sum((account) => account.pendingDebits)).toBe(left.reduce((total, each) => total + each, 0n));
        for (const account of accounts.slice(1))
          expect(account.postedCredits - account.postedDebits - account.pendingDebits >= 0n).toBe(true);
        for (const { original } of book.changes().reversals.values())
          expect(original.reversed <= original.amount).toBe(true);
      }),
    );
  });
});

interface Place {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
}

function commandOf(
  what: string,
  { debit, credit, amount }: { debit: string; credit: string; amount: string },
  hold: Place | undefined,
  transfer: Place | undefined,
): LedgerCommand | undefined {
  if (what === 'transfer') return ours.transfer(debit, credit, amount);
  if (what === 'group') return ours.group([leg(debit, credit, amount), leg(credit, debit, amount, { up_to: true })]);
  if (what === 'hold') return ours.hold(debit, credit, amount);
  if (what === 'post') return hold && ours.postHold(hold, amount, BigInt(amount) % 2n === 0n);
  if (what === 'void') return hold && ours.voidHold(hold);
  return transfer && ours.reverse(transfer, amount);
}
