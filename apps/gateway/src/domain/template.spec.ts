import type { Template, TemplateLeg } from '@payflow/contracts';
import { AMOUNT_MAX } from '@payflow/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultsOfTemplate } from './template-faults.js';
import { expandTemplate } from './template.js';

const [BANK, SHOP, FEES] = [
  'acct_01m7yg4jr5ezm9ym0cwhese7x1',
  'acct_01m7yg4jr5ezm9ym0cwhese7x2',
  'acct_01m7yg4jr5ezm9ym0cwhese7x3',
];

const leg = (more: Partial<TemplateLeg> = {}): TemplateLeg => ({
  debit_account: '$wallet',
  credit_account: SHOP,
  asset: 'USD',
  amount: null,
  of: '$total',
  portion: null,
  remaining: false,
  ...more,
});
const variables = { wallet: 'account', total: 'amount' } as const;
const fee = leg({ credit_account: FEES, portion: '29/1000' });
const tip = leg({ credit_account: FEES, amount: '30' });
const rest = leg({ remaining: true });
const template = (...legs: readonly TemplateLeg[]): Template => ({ variables, legs });

const amounts = (one: Template, total: string, more: Record<string, string> = {}) => {
  const expansion = expandTemplate(one, { wallet: BANK, total, ...more });
  return expansion.kind === 'legs' ? expansion.legs.map(({ amount }) => amount) : expansion;
};

describe('a template', () => {
  it.each([
    ['a portion and what remains', template(fee, rest), '1000', [29n, 971n]],
    ['a portion of too little, left out', template(fee, rest), '10', [10n]],
    ['an amount off what remains', template(fee, tip, rest), '1000', [29n, 30n, 941n]],
    ['an amount that is all of it', template(tip, rest), '30', [30n]],
    ['portions that are the whole', template(leg({ portion: '1/3' }), leg({ portion: '2/3' })), '100', [33n, 67n]],
    ['three equal ones', template(leg({ portion: '1/3' }), leg({ portion: '1/3' }), rest), '100', [34n, 33n, 33n]],
    [
      'an amount of its own',
      template(leg({ of: null, amount: '$total' }), leg({ of: null, amount: '5' })),
      '7',
      [7n, 5n],
    ],
    [
      'as much as there is of an amount of its own',
      template(leg({ of: null, amount: '$total', up_to: true })),
      '7',
      [7n],
    ],
  ])('comes to %s', (_what, one, total, expected) => {
    expect(faultsOfTemplate(one)).toEqual([]);
    expect(amounts(one, total)).toEqual(expected);
  });

  it.each([
    [
      'parts that come to more than the whole',
      template(tip, rest),
      { total: '29' },
      'template_parts_exceed_whole /variables/total',
    ],
    ['nothing', template(rest), { total: '0' }, 'amount_not_positive /variables'],
    ['one account', template(rest), { wallet: SHOP }, 'accounts_identical /type'],
  ])('is refused where it comes to %s', (_what, one, more, expected) => {
    const expansion = expandTemplate(one, { wallet: BANK, total: '1', ...more });
    expect(expansion.kind === 'refused' ? `${expansion.code} ${expansion.pointer}` : expansion.kind).toBe(expected);
  });

  it.each([
    [{ wallet: BANK }, ['/variables/total missing']],
    [{ wallet: BANK, total: '1', tip: '2' }, ['/variables/tip unknown']],
    [{ wallet: BANK, total: '1', constructor: '2' }, ['/variables/constructor unknown']],
    [{ wallet: 'users:42', total: '-1' }, ['/variables/wallet malformed', '/variables/total malformed']],
    [
      { wallet: 'pay_01m7yg4jr5ezm9ym0cwhese7x1', total: '9223372036854775808' },
      ['/variables/wallet malformed', '/variables/total malformed'],
    ],
    [{}, ['/variables/wallet missing', '/variables/total missing']],
  ])('names what is wrong with the variables %j', (values, expected) => {
    const expansion = expandTemplate(template(rest), values as Record<string, string>);
    const faults = expansion.kind === 'faults' ? expansion.faults : [];
    expect(faults.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual(expected);
  });

  it('wants the code of an asset for an asset', () => {
    const one = {
      variables: { ...variables, asset: 'asset' },
      legs: [leg({ remaining: true, asset: '$asset' })],
    } as const;
    expect(amounts(one, '1', { asset: 'EUR' })).toEqual([1n]);
    // A unit of somebody's own, as far as its code tells.
    expect(amounts(one, '1', { asset: 'POINTS' })).toEqual([1n]);
    expect(amounts(one, '1', { asset: 'eur' })).toMatchObject({
      faults: [{ pointer: '/variables/asset', code: 'malformed' }],
    });
  });

  it('sums to the whole, whatever it is split into', () => {
    const portion = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 999 }));
    const whole = fc.bigInt({ min: 1n, max: AMOUNT_MAX });
    fc.assert(
      fc.property(fc.array(portion, { maxLength: 8 }), whole, (portions, total) => {
        const shares = portions.map(([numerator, more]) => leg({ portion: `${numerator}/${numerator * 8 + more}` }));
        const one = template(...shares, rest);
        expect(faultsOfTemplate(one)).toEqual([]);
        const split = amounts(one, total.toString()) as bigint[];
        expect(split.reduce((sum, part) => sum + part, 0n)).toBe(total);
      }),
    );
  });
});

describe('a template is not defined', () => {
  it.each([
    [
      'with a variable that nobody declares',
      [leg({ remaining: true, debit_account: '$walet' })],
      ['legs/0/debit_account variable_unknown', 'variables/wallet unused'],
    ],
    [
      'with a variable of another type',
      [leg({ remaining: true, credit_account: '$total' })],
      ['legs/0/credit_account variable_wrong_type'],
    ],
    [
      'with an account for an amount',
      [leg({ of: '$wallet', remaining: true })],
      ['legs/0/of variable_wrong_type', 'variables/total unused'],
    ],
    ['with no amount', [rest, leg({ of: null })], ['legs/1/amount missing']],
    ['with a portion of nothing', [rest, leg({ of: null, portion: '1/2' })], ['legs/1/amount missing']],
    ['with a part that is two', [leg({ remaining: true, portion: '1/2' })], ['legs/0/of ambiguous']],
    ['with a part that may be less', [leg({ remaining: true, up_to: true })], ['legs/0/up_to not_supported']],
    ['with a part that is none', [leg()], ['legs/0/of ambiguous']],
    ['in an unknown asset', [leg({ remaining: true, asset: 'XXX' })], ['legs/0/asset asset_unknown']],
    ['with an amount of nothing', [tip, rest, leg({ of: null, amount: '0' })], ['legs/2/amount amount_not_positive']],
    [
      'with an amount that no account can hold',
      [rest, leg({ of: null, amount: '9223372036854775808' })],
      ['legs/1/amount out_of_range'],
    ],
    ['with more than the whole in one part', [leg({ portion: '3/2' }), rest], ['legs/0/portion out_of_range']],
    [
      'between an account and itself',
      [leg({ remaining: true, credit_account: '$wallet' })],
      ['legs/0/credit_account accounts_identical'],
    ],
    ['with parts in two assets', [fee, leg({ remaining: true, asset: 'EUR' })], ['legs/1/asset assets_differ']],
    ['with two that remain', [rest, { ...rest }], ['legs/1/remaining repeated']],
    [
      'with portions above the whole',
      [leg({ portion: '2/3' }), leg({ portion: '2/3' }), rest],
      ['legs/1/portion exceeds_whole'],
    ],
    ['with nothing that remains', [leg({ portion: '1/1' }), rest], ['legs/1/remaining nothing_remains']],
    ['with portions below the whole', [fee], ['legs/0/of remainder_missing']],
    ['with an amount and nothing that remains', [tip], ['legs/0/of remainder_missing']],
    [
      'with an amount beside portions that are the whole',
      [leg({ portion: '1/1' }), tip],
      ['legs/0/of remainder_missing'],
    ],
  ])('%s', (_what, legs, expected) => {
    const faults = faultsOfTemplate(template(...legs));
    expect(faults.map(({ pointer, code }) => `${pointer.slice('/template/'.length)} ${code}`)).toEqual(expected);
  });
});
