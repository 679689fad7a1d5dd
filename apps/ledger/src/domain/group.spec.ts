import { describe, expect, it } from 'vitest';
import { openedAccount, type Account } from './account.js';
import { postGroup, type Condition, type GroupLeg, type GroupTerms } from './group.js';

const NOW = '2026-11-21T12:00:00.000Z';
const LIMITS = { accounts_max: 3 };

const terms = { asset: 'USD', kind: 'liability', overdraft: 'none', overdraftLimit: 0n } as const;
const accounts = new Map<string, Account>(
  ['a', 'b', 'c', 'd'].map((id) => [id, { ...openedAccount({ ...terms, id }), postedCredits: 100n }]),
);
accounts.set('gone', { ...openedAccount({ ...terms, id: 'gone' }), state: 'closed' });
const books = { account: (id: string) => accounts.get(id), isTransferIdUsed: (id: string) => id === 'used' };

const leg = (id: string, debitAccount: string, creditAccount: string, amount: bigint, upTo = false): GroupLeg => ({
  id,
  debitAccount,
  creditAccount,
  amount,
  asset: 'USD',
  upTo,
});
const post = (legs: readonly GroupLeg[], change: Partial<GroupTerms> = {}) =>
  postGroup({ legs, conditions: [], effectiveAt: null, stopsOnFirst: false, ...change }, books, LIMITS, NOW);

const unmet: Condition = { account: 'a', version: 2, balanceGte: null, balanceLte: null };
const ofAnother: Condition = { ...unmet, account: 'x' };

describe('a group', () => {
  it('lets each leg see the ones before it', () => {
    const decision = post([leg('1', 'a', 'b', 100n), leg('2', 'b', 'c', 200n)]);
    if (decision.kind === 'refused') throw new Error(decision.reason);
    const balances = [...decision.accounts.values()].map((account) => [
      account.id,
      account.postedCredits - account.postedDebits,
    ]);
    expect(balances).toEqual([
      ['a', 0n],
      ['b', 0n],
      ['c', 300n],
    ]);
  });

  it.each<[string, readonly GroupLeg[], bigint[]]>([
    ['as much as there is', [leg('1', 'a', 'b', 500n, true)], [100n]],
    ['no more than was asked for', [leg('1', 'a', 'b', 30n, true)], [30n]],
    ['what the legs before have left', [leg('1', 'a', 'b', 70n), leg('2', 'a', 'c', 50n, true)], [70n, 30n]],
  ])('moves %s, up to the amount', (_, legs, moved) => {
    expect(post(legs)).toMatchObject({ kind: 'posted', legs: moved.map((amount) => ({ amount })) });
  });

  // In precedence order.
  it.each<[string, number | null, readonly GroupLeg[], Partial<GroupTerms>]>([
    [
      'effective_in_future',
      null,
      [leg('1', 'a', 'b', 0n)],
      { effectiveAt: '2026-11-21T12:00:00.001Z', isLate: true, conditions: [ofAnother] },
    ],
    ['command_expired', null, [leg('used', 'a', 'b', 0n)], { isLate: true, conditions: [ofAnother, unmet] }],
    ['account_not_found', null, [leg('used', 'a', 'b', 0n)], { conditions: [ofAnother, unmet] }],
    ['condition_failed', null, [leg('used', 'a', 'b', 0n)], { conditions: [unmet, ofAnother] }],
    ['id_reused', 1, [leg('1', 'a', 'b', 1n), leg('1', 'b', 'a', 0n)], {}],
    ['id_reused', 0, [leg('used', 'a', 'b', 0n)], {}],
    ['amount_not_positive', 0, [leg('1', 'a', 'b', 0n, true)], {}],
    ['insufficient_funds', 1, [leg('1', 'a', 'b', 100n), leg('2', 'a', 'b', 1n)], {}],
    ['insufficient_funds', 1, [leg('1', 'a', 'b', 100n), leg('2', 'a', 'b', 1n, true)], {}],
    ['account_not_found', 1, [leg('1', 'a', 'b', 1n), leg('2', 'a', 'x', 1n)], {}],
    ['accounts_identical', 0, [leg('1', 'gone', 'gone', 1n, true)], {}],
    ['assets_differ', 0, [{ ...leg('1', 'gone', 'b', 1n, true), asset: 'EUR' }], {}],
    ['account_closed', 0, [leg('1', 'gone', 'b', 1n, true)], {}],
    ['group_too_large', null, [leg('1', 'a', 'b', 1n), leg('2', 'c', 'd', 1n)], {}],
  ])('is refused as a whole with %s', (reason, at, legs, change) => {
    expect(post(legs, change)).toEqual({ kind: 'refused', reason, leg: at });
  });
});

describe('a group that stops on the first refusal', () => {
  const stopping = (legs: readonly GroupLeg[], change: Partial<GroupTerms> = {}) =>
    post(legs, { stopsOnFirst: true, ...change });

  it('is posted whole where no leg is refused', () => {
    expect(stopping([leg('1', 'a', 'b', 1n), leg('2', 'b', 'a', 1n)])).toMatchObject({
      kind: 'posted',
      legs: [{ id: '1' }, { id: '2' }],
      stopped: undefined,
    });
  });

  it.each<[string, readonly GroupLeg[]]>([
    ['id_reused', [leg('1', 'a', 'b', 1n), leg('1', 'b', 'a', 0n), leg('3', 'a', 'b', 1n)]],
    ['id_reused', [leg('1', 'a', 'b', 1n), leg('used', 'b', 'a', 0n), leg('3', 'a', 'b', 1n)]],
    ['amount_not_positive', [leg('1', 'a', 'b', 1n), leg('2', 'a', 'b', 0n), leg('3', 'a', 'b', 1n)]],
    ['account_not_found', [leg('1', 'a', 'b', 1n), leg('2', 'a', 'x', 1n), leg('3', 'a', 'b', 1n)]],
    ['insufficient_funds', [leg('1', 'a', 'b', 60n), leg('2', 'a', 'b', 41n), leg('3', 'a', 'b', 1n)]],
    ['insufficient_funds', [leg('1', 'a', 'b', 100n), leg('2', 'a', 'b', 1n, true), leg('3', 'b', 'a', 1n)]],
  ])('keeps what came before %s, and tries nothing behind it', (reason, legs) => {
    const decision = stopping(legs);
    expect(decision).toMatchObject({ kind: 'posted', legs: [{ id: '1' }], stopped: { leg: 1, reason } });
    if (decision.kind === 'refused') throw new Error(decision.reason);
    const moved = legs[0]?.amount ?? 0n;
    expect([decision.accounts.get('a')?.postedDebits, decision.accounts.get('b')?.postedCredits]).toEqual([
      moved,
      100n + moved,
    ]);
  });

  it.each<[string, number | null, readonly GroupLeg[], Partial<GroupTerms>]>([
    ['effective_in_future', null, [leg('1', 'a', 'b', 1n)], { effectiveAt: '2026-11-21T12:00:00.001Z' }],
    ['insufficient_funds', 0, [leg('1', 'a', 'b', 101n), leg('2', 'a', 'b', 1n)], {}],
    ['group_too_large', null, [leg('1', 'a', 'b', 1n), leg('2', 'c', 'd', 1n), leg('3', 'a', 'b', 0n)], {}],
  ])('is refused with %s where nothing came before it', (reason, at, legs, change) => {
    expect(stopping(legs, change)).toEqual({ kind: 'refused', reason, leg: at });
  });
});

describe('a condition', () => {
  const legs = [leg('1', 'a', 'b', 10n)];
  const none = { account: 'a', version: null, balanceGte: null, balanceLte: null };

  it.each<[string, Partial<Condition>, string]>([
    ['nothing asked', {}, 'posted'],
    ['its version', { version: 1 }, 'posted'],
    ['another version', { version: 2 }, 'condition_failed'],
    ['at least what it has', { balanceGte: 100n }, 'posted'],
    ['at least more', { balanceGte: 101n }, 'condition_failed'],
    ['at most what it has', { balanceLte: 100n }, 'posted'],
    ['at most less', { balanceLte: 99n }, 'condition_failed'],
    ['an account that is not there', { account: 'x' }, 'account_not_found'],
  ])('%s', (_, change, outcome) => {
    const decision = post(legs, { conditions: [{ ...none, ...change }] });
    expect(decision.kind === 'refused' ? decision.reason : decision.kind).toBe(outcome);
  });
});
