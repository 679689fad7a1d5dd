import { newId } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { totalsAsOf } from '../database/account-pages.repository.js';
import { totals } from '../database/balance-totals.repository.js';
import type { Basis } from '../database/balance-sums.js';
import { REPORTS } from '@payflow/service';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

const BUSY = statement('spec.busy-for-long', 'select pg_sleep(3)');
let ledger: LedgerUnderTest;
const ours = new CommandsOf();
const accounts = Array.from({ length: 23 }, () => newId('account'));
const [world = '', wallet = ''] = accounts;

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
  const kinds = ['asset', 'liability', 'income'] as const;
  await ledger.handle(
    accounts.map((id, at) => ours.open(id, { kind: kinds[at % 3] ?? 'asset', overdraft: 'unbounded' })),
  );
  const legs = accounts.slice(1).map((id, at) => leg(world, id, String(at + 1)));
  await ledger.handle([
    ours.group(legs),
    ours.group([leg(wallet, world, '3')], { effective_at: '2026-01-01T00:00:00.000Z' }),
  ]);
});
afterAll(() => ledger?.close());

describe('a trial balance of the past', () => {
  it.each(['recorded', 'effective'] as const)('comes to the same in pages of any size, by %s time', async (basis) => {
    const at = new Date(Date.now() + 1_000);
    const { database } = ledger.db;
    const whole = await totals(database, ours, at, basis);
    expect(whole.map(({ accounts: each }) => each)).toEqual([8n, 7n, 8n]);
    const sum = (of: 'postedDebits' | 'postedCredits') => whole.reduce((all, total) => all + total[of], 0n);
    expect(sum('postedDebits')).toBe(sum('postedCredits'));
    for (const page of [1, 7, 22, 23, 24]) expect(await totalsAsOf(database, ours, { at, basis }, page)).toEqual(whole);
    expect(await totals(database, ours, undefined, basis)).toEqual(whole);
  });

  it('tells of no account that was opened later, unless something was backdated to it', async () => {
    const [before, at, after] = ['2026-11-20', '2026-11-21', '2026-11-22'].map((day) => `${day}T12:00:00.000Z`);
    const theirs = new CommandsOf();
    const [outside = '', early = '', late = ''] = Array.from({ length: 3 }, () => newId('account'));
    const opened = (id: string, created_at = '', change = {}) => theirs.open(id, { created_at, ...change });
    await ledger.handle([
      opened(outside, before, { kind: 'asset', overdraft: 'unbounded' }),
      opened(early, at),
      opened(late, after),
      opened(newId('account'), after, { kind: 'income' }),
      opened(newId('account'), after, { asset: 'EUR' }),
    ]);
    const backdated = { effective_at: at ?? null };
    await ledger.handle([
      theirs.group([leg(outside, early, '5')], backdated),
      theirs.group([leg(outside, late, '7')], backdated),
    ]);
    const told = async (basis: Basis, instant = '') => {
      const of = { at: new Date(instant), basis };
      const [whole, ...pages] = await Promise.all(
        [10, 2, 1].map((max) => totalsAsOf(ledger.db.database, theirs, of, max)),
      );
      for (const page of pages) expect(page).toEqual(whole);
      return whole?.map(
        ({ asset, kind, accounts: each, postedCredits }) => `${asset} ${kind} ${each} ${postedCredits}`,
      );
    };
    expect(await told('recorded', before)).toEqual(['USD asset 1 0']);
    expect(await told('recorded', at)).toEqual(['USD asset 1 0', 'USD liability 1 0']);
    expect(await told('effective', at)).toEqual(['USD asset 1 0', 'USD liability 2 12']);
    const all = ['EUR liability 1 0', 'USD asset 1 0', 'USD income 1 0', 'USD liability 2 0'];
    expect(await told('recorded', after)).toEqual(all);
  });

  it('is read over connections of its own: where they are busy, it is refused, and postings and balances are not', async () => {
    const reads = ledger.running.app.get<Database>(REPORTS);
    const pool = () => reads.pools().find(({ purpose }) => purpose === 'reports') ?? { total: 0, idle: 0, max: 0 };
    const busy = Array.from({ length: pool().max }, () => reads.rows(BUSY));
    await until('they are busy', () => pool().total - pool().idle === pool().max);
    const refused = await ledger.read(ours, 'trial_balance');
    expect([refused.status, refused.body['code']]).toEqual([503, 'database_busy']);
    const [posted] = await ledger.handle([ours.transfer(world, wallet, '1')]);
    expect(posted?.type).toBe('payflow.transfer.posted.v1');
    expect((await ledger.read(ours, `accounts/${wallet}/balance`)).status).toBe(200);
    await Promise.all(busy);
    expect((await ledger.read(ours, 'trial_balance')).status).toBe(200);
  });
});
