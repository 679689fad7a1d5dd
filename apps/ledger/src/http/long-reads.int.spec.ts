import { newId } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { totalsAsOf } from '../database/account-pages.repository.js';
import { totals } from '../database/balance-totals.repository.js';
import { REPORTS } from '@payflow/service';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

const BUSY = statement('spec.busy', 'select pg_sleep(3)');
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
