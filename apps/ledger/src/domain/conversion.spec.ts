import { AMOUNT_MAX } from '@payflow/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openedAccount, type Account } from './account.js';
import { postConversion, type ConversionTerms } from './conversion.js';
import type { Condition } from './group.js';

const NOW = '2026-11-21T12:00:00.000Z';
const account = (id: string, asset: string, change: Partial<Account> = {}): Account => ({
  ...openedAccount({ id, asset, kind: 'liability', overdraft: 'none', overdraftLimit: 0n }),
  postedCredits: 1_000n,
  ...change,
});
const accounts = {
  dollars: account('dollars', 'USD'),
  dollarPool: account('dollarPool', 'USD'),
  euroPool: account('euroPool', 'EUR'),
  euros: account('euros', 'EUR'),
};
const terms: ConversionTerms = {
  transfers: ['1', '2'],
  source: 'dollars',
  sourceLiquidity: 'dollarPool',
  destinationLiquidity: 'euroPool',
  destination: 'euros',
  sourceAsset: 'USD',
  destinationAsset: 'EUR',
  sourceAmount: 199n,
  rate: { numerator: 92n, denominator: 100n },
  conditions: [],
};

const when = (account: string, more: Partial<Condition> = {}): Condition => ({
  account,
  version: null,
  balanceGte: null,
  balanceLte: null,
  ...more,
});

const convert = (change: Partial<ConversionTerms> = {}, known: Readonly<Record<string, Account>> = accounts) => {
  const books = { account: (id: string) => known[id], isTransferIdUsed: (id: string) => id === 'used' };
  return postConversion({ ...terms, ...change }, books, NOW);
};

describe('a conversion', () => {
  it('goes through both liquidity accounts, and is cut to whole minor units', () => {
    const decision = convert();
    if (decision.kind === 'refused') throw new Error(decision.reason);
    expect(decision.legs).toMatchObject([
      { id: '1', debitAccount: 'dollars', creditAccount: 'dollarPool', amount: 199n, asset: 'USD' },
      { id: '2', debitAccount: 'euroPool', creditAccount: 'euros', amount: 183n, asset: 'EUR' },
    ]);
    expect(
      [...decision.accounts].map(([id, { postedDebits, postedCredits }]) => [id, postedCredits - postedDebits]),
    ).toEqual([
      ['dollars', 801n],
      ['dollarPool', 1_199n],
      ['euroPool', 817n],
      ['euros', 1_183n],
    ]);
  });

  const huge = { numerator: AMOUNT_MAX, denominator: 1n };

  // In precedence order: each case also breaks rules below it.
  it.each<[string, number | null, Partial<ConversionTerms>, Partial<typeof accounts>?]>([
    ['amount_not_positive', null, { sourceAmount: 0n, rate: { numerator: 0n, denominator: 0n } }],
    ['rate_not_positive', null, { rate: { numerator: 0n, denominator: 1n }, destinationAsset: 'USD' }],
    ['rate_not_positive', null, { rate: { numerator: 1n, denominator: 0n } }],
    ['assets_identical', null, { destinationAsset: 'USD', sourceAmount: 1n }],
    ['conversion_too_small', null, { sourceAmount: 1n, source: 'nobody' }],
    ['conversion_too_large', null, { rate: huge, source: 'nobody' }],
    ['account_not_found', null, { conditions: [when('stranger')], transfers: ['used', '2'] }],
    ['condition_failed', null, { conditions: [when('euros', { version: 7 })], transfers: ['used', '2'] }],
    ['condition_failed', null, { conditions: [when('dollars', { balanceGte: 1_001n })], source: 'nobody' }],
    ['condition_failed', null, { conditions: [when('dollars', { balanceLte: 999n })], source: 'nobody' }],
    ['id_reused', 0, { transfers: ['used', '2'], source: 'nobody' }],
    ['accounts_identical', 0, { sourceLiquidity: 'dollars' }],
    ['account_not_found', 0, { source: 'nobody' }],
    ['assets_differ', 0, { sourceLiquidity: 'euroPool' }],
    ['account_frozen', 0, {}, { dollars: account('dollars', 'USD', { state: 'debits_frozen', postedCredits: 0n }) }],
    ['insufficient_funds', 0, { sourceAmount: 1_001n, destination: 'nobody' }],
    ['id_reused', 1, { transfers: ['1', '1'], destination: 'nobody' }],
    ['account_not_found', 1, { destination: 'nobody' }],
    ['assets_differ', 1, { destination: 'dollars' }],
    ['insufficient_funds', 1, { rate: { numerator: 1_001n, denominator: 199n } }],
    ['balance_overflow', 1, {}, { euros: account('euros', 'EUR', { postedCredits: AMOUNT_MAX - 182n }) }],
  ])('is refused with %s (leg %s)', (reason, leg, change, known) => {
    expect(convert(change, { ...accounts, ...known })).toEqual({ kind: 'refused', reason, leg });
  });

  it('balances each asset and gains nobody a minor unit, whatever is converted to and fro', () => {
    const step = fc.record({
      there: fc.boolean(),
      sourceAmount: fc.bigInt({ min: 0n, max: 1_200n }),
      numerator: fc.bigInt({ min: 1n, max: 300n }),
      denominator: fc.bigInt({ min: 1n, max: 300n }),
    });
    const total = (known: Readonly<Record<string, Account>>, asset: string) =>
      Object.values(known)
        .filter((one) => one.asset === asset)
        .reduce((sum, { postedCredits, postedDebits }) => sum + postedCredits - postedDebits, 0n);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let known: Readonly<Record<string, Account>> = accounts;
        for (const { there, sourceAmount, ...rate } of steps) {
          const back = {
            source: 'euros',
            sourceLiquidity: 'euroPool',
            destinationLiquidity: 'dollarPool',
            destination: 'dollars',
            sourceAsset: 'EUR',
            destinationAsset: 'USD',
          };
          const decision = convert({ ...(there ? {} : back), sourceAmount, rate }, known);
          if (decision.kind === 'refused') continue;
          const [given, taken] = decision.legs.map(({ amount }) => amount) as [bigint, bigint];
          const due = given * rate.numerator - taken * rate.denominator;
          expect(due >= 0n && due < rate.denominator).toBe(true);
          known = { ...known, ...Object.fromEntries(decision.accounts) };
        }
        expect([total(known, 'USD'), total(known, 'EUR')]).toEqual([2_000n, 2_000n]);
      }),
    );
  });
});
