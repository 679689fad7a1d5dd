import { newId } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { CommandsOf } from '../testing/commands.js';
import { Book, EMPTY_BOOKS } from './book.js';
import { decide } from './decide.js';
import { defineUnit, type Unit } from './unit.js';

const NOW = '2026-11-21T12:00:00.000Z';
const unit: Unit = { code: 'POINTS', scale: 0, name: 'Points', createdAt: NOW };
const limits = { units_max: 3 };

describe('a unit', () => {
  it('is defined as it is asked for, and stays so', () => {
    const known = { ...unit, createdAt: '2026-01-01T00:00:00.000Z' };
    expect(defineUnit(unit, undefined, 2, limits)).toEqual({ kind: 'defined', unit });
    expect(defineUnit(unit, known, 3, limits)).toEqual({ kind: 'defined', unit: known });
  });

  // In precedence order.
  it.each<[string, Partial<Unit>, Unit | undefined, number]>([
    ['asset_reserved', { code: 'USD', scale: 2 }, unit, 3],
    ['asset_reserved', { code: 'USDT' }, undefined, 3],
    ['asset_reserved', { code: 'PTS' }, undefined, 3],
    ['asset_exists', { scale: 1 }, unit, 3],
    ['asset_exists', { name: 'points' }, unit, 3],
    ['too_many_assets', {}, undefined, 3],
  ])('is refused with %s', (reason, change, known, count) => {
    expect(defineUnit({ ...unit, ...change }, known, count, limits)).toEqual({ kind: 'refused', reason });
  });
});

describe('accounts of a unit', () => {
  const ours = new CommandsOf();
  const told = (book: Book, ...commands: Parameters<typeof decide>[1][]) =>
    commands.map((command) => {
      const { type, data } = decide(book, command);
      return 'reason' in data ? data.reason : type;
    });

  it('are opened once it is defined, by those who defined it', () => {
    const [theirs, live] = [new CommandsOf(), new CommandsOf(ours.tenant, true)];
    const open = (by: CommandsOf) => by.open(newId('account'), { asset: 'POINTS' });
    expect(
      told(new Book(EMPTY_BOOKS, NOW), open(ours), ours.define('POINTS'), open(ours), open(theirs), open(live)),
    ).toEqual([
      'asset_unknown',
      'payflow.asset.defined.v1',
      'payflow.account.opened.v1',
      'asset_unknown',
      'asset_unknown',
    ]);
  });

  it('pay each other, and nobody else', () => {
    const [bank, wallet, dollars] = [newId('account'), newId('account'), newId('account')];
    const points = { asset: 'POINTS' };
    expect(
      told(
        new Book(EMPTY_BOOKS, NOW),
        ours.define('POINTS'),
        ours.open(bank, { ...points, overdraft: 'unbounded' }),
        ours.open(wallet, points),
        ours.open(dollars),
        ours.transfer(bank, wallet, '5', points),
        ours.transfer(wallet, dollars, '5', points),
        ours.transfer(wallet, bank, '5', { asset: 'AIRTIME' }),
      ).slice(4),
    ).toEqual(['payflow.transfer.posted.v1', 'assets_differ', 'assets_differ']);
  });
});
