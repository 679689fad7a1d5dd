import { newId, type Template, type TemplateLeg } from '@payflow/contracts';
import { AMOUNT_MAX } from '@payflow/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { breakdownOf, placeOfAccount, templateBreakdown, type PartAsked } from './breakdown.js';

const account = newId('account');
const part = (how: Omit<PartAsked, 'kind' | 'account'>): PartAsked => ({ kind: 'fee', account, ...how });
const amounts = (whole: bigint, ...asked: PartAsked[]) => breakdownOf(whole, asked)?.map(({ amount }) => amount);

describe('a breakdown', () => {
  it.each<[string, bigint, PartAsked[], string[] | undefined]>([
    ['a sum of its own', 1000n, [part({ amount: '30' })], ['30']],
    ['a proportion and a fixed sum', 1999n, [part({ basis_points: 290, fixed: '30' })], ['88']],
    ['half a unit, to the even one below', 500n, [part({ basis_points: 10 })], ['0']],
    ['half a unit, to the even one above', 1500n, [part({ basis_points: 10 })], ['2']],
    ['more than half a unit', 600n, [part({ basis_points: 10 })], ['1']],
    ['all of it', 7n, [part({ basis_points: 10_000 })], ['7']],
    [
      'weights among what is left',
      100n,
      [part({ amount: '30' }), part({ weight: 3 }), part({ weight: 1 })],
      ['30', '53', '17'],
    ],
    ['weights that nothing is left for', 30n, [part({ amount: '30' }), part({ weight: 3 })], ['30', '0']],
    ['too much by a unit', 29n, [part({ amount: '30' })], undefined],
    ['too much together', 100n, [part({ basis_points: 9_000 }), part({ amount: '11' })], undefined],
  ])('of %s', (_, whole, asked, expected) => {
    expect(amounts(whole, ...asked)).toEqual(expected);
  });

  it('never comes to more than there is, and to all of it where there are weights', () => {
    const asked = fc.array(
      fc.oneof(
        fc.record({ amount: fc.bigInt({ min: 1n, max: 10n ** 6n }).map(String) }),
        fc.record({
          basis_points: fc.integer({ min: 1, max: 10_000 }),
          fixed: fc.bigInt({ min: 0n, max: 99n }).map(String),
        }),
        fc.record({ weight: fc.integer({ min: 1, max: 1_000_000 }) }),
      ),
      { minLength: 1, maxLength: 10 },
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: AMOUNT_MAX }), asked, (whole, all) => {
        const parts = amounts(whole, ...all.map(part));
        if (!parts) return;
        const sum = parts.reduce((total, amount) => total + BigInt(amount), 0n);
        expect(sum <= whole).toBe(true);
        if (all.some((one) => 'weight' in one)) expect(sum).toBe(whole);
      }),
    );
  });
});

describe("a type's template", () => {
  const payment = { source: newId('account'), destination: newId('account'), amount: '1000', asset: 'USD' };
  const leg = (change: Partial<TemplateLeg>): TemplateLeg => ({
    ...{ debit_account: '$source', credit_account: '$destination', asset: '$asset', amount: null },
    ...{ of: '$amount', portion: null, remaining: false },
    ...change,
  });
  const template = (...legs: TemplateLeg[]): Template => ({
    variables: { source: 'account', destination: 'account', amount: 'amount', asset: 'asset', fees: 'account' },
    legs,
  });
  const fee = leg({ credit_account: '$fees', portion: '29/1000' });

  it('divides the payment: what it moves elsewhere than to the destination are parts', () => {
    expect(templateBreakdown(template(fee, leg({ remaining: true })), payment, { fees: account })).toMatchObject({
      kind: 'parts',
      parts: [{ kind: 'split', account, amount: '29' }],
    });
    const small = { ...payment, amount: '10' };
    expect(templateBreakdown(template(fee, leg({ remaining: true })), small, { fees: account })).toMatchObject({
      parts: [],
    });
  });

  it('that moves of another account, another asset, or another sum is of something else', () => {
    const rest = leg({ remaining: true });
    const unfit = { kind: 'unfit' };
    const fees = { fees: account };
    expect(templateBreakdown(template(fee, { ...rest, debit_account: '$fees' }), payment, fees)).toEqual(unfit);
    expect(templateBreakdown(template({ ...fee, asset: 'EUR' }, { ...rest, asset: 'EUR' }), payment, fees)).toEqual(
      unfit,
    );
    expect(
      templateBreakdown(template(fee, rest, { ...rest, of: null, remaining: false, amount: '5' }), payment, fees),
    ).toEqual(unfit);
    expect(
      templateBreakdown(
        template(fee, { ...rest, of: null, remaining: false, amount: '971', up_to: true }),
        payment,
        fees,
      ),
    ).toEqual(unfit);
  });

  it('has of the payment what the payment says, and everything else of the variables', () => {
    const whole = template(fee, leg({ remaining: true }));
    expect(templateBreakdown(whole, payment, {})).toMatchObject({
      faults: [{ pointer: '/variables/fees', code: 'missing' }],
    });
    expect(templateBreakdown(whole, payment, { fees: account, amount: '5' })).toMatchObject({
      faults: [{ pointer: '/variables/amount', code: 'unknown' }],
    });
    expect(placeOfAccount(fee)).toBe('/variables/fees');
    expect(placeOfAccount(leg({}))).toBe('/destination');
  });
});
