import { isClientId, newId, uuidOf, type BreakdownKind } from '@payflow/contracts';
import { AMOUNT_MAX } from '@payflow/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divide, groupOfCapture, groupOfPayment, type Divided } from './division.js';

const [source, destination, fees, taxes] = [newId('account'), newId('account'), newId('account'), newId('account')];
const part = (kind: BreakdownKind, account: string, amount: bigint | string) => ({
  kind,
  account,
  amount: amount.toString(),
});
const payment = (amount: string, parts: Divided['division']['parts'], type: string | null = null) => ({
  id: newId('payment'),
  source,
  destination,
  amount,
  asset: 'USD',
  division: { parts, type },
  expiresAt: '2026-11-22T12:00:00.000Z',
});
const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);

/** A payment of up to ten parts, and captures that come to it, of any sums. */
const divided = fc
  .record({
    parts: fc.array(fc.bigInt({ min: 0n, max: AMOUNT_MAX / 20n }), { minLength: 1, maxLength: 10 }),
    rest: fc.bigInt({ min: 0n, max: AMOUNT_MAX / 20n }),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
  })
  .filter(({ parts, rest }) => sum(parts) + rest > 0n)
  .map(({ parts, rest, cuts }) => {
    const whole = sum(parts) + rest;
    const ends = [...cuts.map((cut) => (whole * BigInt(Math.round(cut * 1e9))) / 1_000_000_000n), whole];
    const sorted = ends.sort((a, b) => (a < b ? -1 : 1));
    const captures = sorted.map((end, at) => end - (sorted[at - 1] ?? 0n)).filter((sum) => sum > 0n);
    return {
      payment: payment(
        whole.toString(),
        parts.map((one) => part('split', newId('account'), one)),
      ),
      parts,
      rest,
      captures,
    };
  });

describe('a division', () => {
  it('gives each part what it has of the whole, and the destination the rest', () => {
    const two = payment('1000', [part('fee', fees, '59'), part('tax', taxes, '200')]);
    expect(divide(two, 0n, 1000n)).toEqual({ rest: 741n, parts: [59n, 200n] });
    expect(divide(two, 0n, 500n)).toEqual({ rest: 370n, parts: [30n, 100n] });
    expect(divide(two, 500n, 500n)).toEqual({ rest: 371n, parts: [29n, 100n] });
  });

  it('of captures of any sums sums to each of them, takes nothing back, and ends as that of a single one', () => {
    fc.assert(
      fc.property(divided, ({ payment, parts, rest, captures }) => {
        let before = 0n;
        const got = [...parts.map(() => 0n), 0n];
        for (const captured of captures) {
          const shares = divide(payment, before, captured);
          const all = [...shares.parts, shares.rest];
          expect(sum(all)).toBe(captured);
          expect(all.every((share) => share >= 0n)).toBe(true);
          all.forEach((share, at) => (got[at] = (got[at] as bigint) + share));
          before += captured;
        }
        expect(got).toEqual([...parts, rest]);
      }),
    );
  });

  it('goes on in proportion where more is captured than the payment came to', () => {
    const over = payment('100', [part('fee', fees, '10')]);
    expect(divide(over, 100n, 10n)).toEqual({ rest: 9n, parts: [1n] });
  });
});

describe('the group that books a divided payment', () => {
  it('moves each share from the source, the rest under the UUID of the payment, and nothing that is nothing', () => {
    const parts = [part('fee', fees, '59'), part('tax', taxes, '0'), part('split', destination, '41')];
    const of = payment('1000', parts, 'card_capture');
    const group = groupOfPayment(of);
    expect(group).toMatchObject({ payment: of.id, valid_until: of.expiresAt, conditions: [], effective_at: null });
    expect(uuidOf('group', group.id)).toBe(uuidOf('payment', of.id));
    expect(uuidOf('transfer', group.legs[0]?.id ?? '')).toBe(uuidOf('payment', of.id));
    expect(group.legs.map(({ credit_account, amount }) => [credit_account, amount])).toEqual([
      [destination, '900'],
      [fees, '59'],
      [destination, '41'],
    ]);
    expect(group.legs.every(({ debit_account, type }) => debit_account === source && type === 'card_capture')).toBe(
      true,
    );
  });

  it('is the same however often it is asked for, under ids as clients could choose them', () => {
    const of = payment('1000', [part('fee', fees, '59'), part('fee', fees, '1')]);
    expect(groupOfPayment(of)).toEqual(groupOfPayment({ ...of }));
    const ids = groupOfPayment(of).legs.map(({ id }) => id);
    expect(ids.every((id) => isClientId('transfer', id))).toBe(true);
    expect(new Set(ids).size).toBe(3);
  });

  it('moves on from the destination what a capture has brought there, but for what is its own', () => {
    const of = payment('1000', [part('fee', fees, '100'), part('split', destination, '300')]);
    const capture = uuidOf('capture', newId('capture'));
    const group = groupOfCapture(of, capture, divide(of, 0n, 500n));
    expect(group?.legs).toMatchObject([{ debit_account: destination, credit_account: fees, amount: '50' }]);
    expect(group).not.toHaveProperty('valid_until');
    expect(groupOfCapture(of, capture, divide(of, 0n, 1n))).toBeUndefined();
  });
});
