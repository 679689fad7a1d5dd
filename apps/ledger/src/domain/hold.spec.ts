import { describe, expect, it } from 'vitest';
import { openedAccount, type Account } from './account.js';
import { isGivenBack, placeHold, postHold, voidHold, type Hold, type HoldTerms, type Posting } from './hold.js';

const NOW = '2026-11-21T12:00:00.000Z';
const PAST = '2026-11-21T11:59:59.999Z';
const LATER = '2026-11-21T12:00:00.001Z';

const terms = { asset: 'USD', kind: 'liability', overdraft: 'none', overdraftLimit: 0n } as const;
const debit: Account = { ...openedAccount({ ...terms, id: 'acct_debit' }), postedCredits: 100n };
const credit: Account = openedAccount({ ...terms, id: 'acct_credit' });
const wanted: HoldTerms = {
  id: 'hold_1',
  payment: null,
  debitAccount: debit.id,
  creditAccount: credit.id,
  amount: 60n,
  asset: 'USD',
  expiresAt: null,
  validUntil: null,
  type: null,
};
const held = {
  hold: { ...wanted, status: 'pending', posted: 0n, version: 1 } as Hold,
  debit: { ...debit, pendingDebits: 60n, version: 2 },
  credit: { ...credit, pendingCredits: 60n, version: 2 },
};
const claimed = { debitAccount: debit.id, creditAccount: credit.id, ifVersion: undefined };

describe('placing a hold', () => {
  it('takes the money off what is available, and books nothing', () => {
    const decision = placeHold(wanted, { debit, credit }, NOW);
    expect(decision).toMatchObject({
      kind: 'changed',
      hold: { id: 'hold_1', amount: 60n, status: 'pending', posted: 0n, version: 1 },
      debit: held.debit,
      credit: held.credit,
    });
  });

  it.each<[string, Partial<HoldTerms>, Partial<Account>]>([
    ['amount_not_positive', { amount: 0n, expiresAt: PAST }, {}],
    ['account_frozen', { expiresAt: PAST }, { state: 'debits_frozen' }],
    ['command_expired', { validUntil: PAST, expiresAt: PAST }, {}],
    ['hold_expired', { expiresAt: NOW, amount: 101n }, {}],
    ['insufficient_funds', { amount: 101n }, {}],
    ['insufficient_funds', { amount: 60n }, { pendingDebits: 41n }],
  ])('is refused with %s', (reason, change, debitChange) => {
    const sides = { debit: { ...debit, ...debitChange }, credit };
    expect(placeHold({ ...wanted, ...change }, sides, NOW)).toEqual({ kind: 'refused', reason });
  });
});

describe('posting a hold', () => {
  const all: Posting = { ...claimed, amount: null, final: true };

  it.each<[string, Partial<Posting>, { status: string; posted: bigint; debit: [bigint, bigint] }]>([
    ['all of it', {}, { status: 'posted', posted: 60n, debit: [60n, 0n] }],
    ['a part, and the rest goes back', { amount: 20n }, { status: 'posted', posted: 20n, debit: [20n, 0n] }],
    [
      'a part, and more may follow',
      { amount: 20n, final: false },
      { status: 'pending', posted: 20n, debit: [20n, 40n] },
    ],
    [
      'the last part, though more might have followed',
      { amount: 60n, final: false },
      { status: 'posted', posted: 60n, debit: [60n, 0n] },
    ],
  ])('books %s', (_, change, expected) => {
    const decision = postHold({ ...all, ...change }, held.hold, held, NOW);
    if (decision.kind === 'refused') throw new Error(decision.reason);
    const { hold, debit: from, credit: to } = decision;
    expect({ status: hold.status, posted: hold.posted, debit: [from.postedDebits, from.pendingDebits] }).toEqual(
      expected,
    );
    expect([to.postedCredits, to.pendingCredits]).toEqual([from.postedDebits, from.pendingDebits]);
    expect([hold.version, from.version, to.version]).toEqual([2, 3, 3]);
  });

  it.each<[string, Partial<Posting>, Partial<Hold> | null, Partial<Account>]>([
    ['hold_not_found', {}, null, {}],
    ['hold_not_found', { creditAccount: 'acct_other', ifVersion: 2 }, { status: 'voided' }, {}],
    ['version_differs', { ifVersion: 2 }, { status: 'posted', version: 3 }, {}],
    ['version_differs', { ifVersion: 2 }, {}, { state: 'frozen' }],
    ['hold_not_pending', { amount: 61n }, { status: 'posted' }, {}],
    ['hold_not_pending', {}, { status: 'expired', expiresAt: PAST }, {}],
    ['hold_expired', { amount: 0n }, { expiresAt: NOW }, {}],
    ['amount_not_positive', { amount: 0n }, {}, { state: 'frozen' }],
    ['hold_exceeded', { amount: 61n }, {}, { state: 'frozen' }],
    ['hold_exceeded', { amount: 41n }, { posted: 20n }, {}],
    ['account_frozen', {}, {}, { state: 'debits_frozen' }],
  ])('is refused with %s', (reason, change, holdChange, debitChange) => {
    const hold = holdChange === null ? undefined : { ...held.hold, ...holdChange };
    const sides = { debit: { ...held.debit, ...debitChange }, credit: held.credit };
    expect(postHold({ ...all, ...change }, hold, sides, NOW)).toEqual({ kind: 'refused', reason });
  });
});

describe('ending a hold', () => {
  const claim = { ...claimed, expired: false };

  it.each<[string, boolean, Partial<Hold>, string]>([
    ['because somebody asked', false, {}, 'voided'],
    ['before its time is over, too', false, { expiresAt: LATER }, 'voided'],
    ['because its time is over', true, { expiresAt: NOW }, 'expired'],
  ])('gives back what is still held %s', (_, expired, change, status) => {
    const decision = voidHold(
      { ...claim, expired },
      { ...held.hold, ...change, posted: 20n },
      {
        debit: { ...held.debit, pendingDebits: 40n },
        credit: { ...held.credit, pendingCredits: 40n },
      },
      NOW,
    );
    expect(decision).toMatchObject({ hold: { status, posted: 20n }, debit: { pendingDebits: 0n } });
  });

  it('gives back to a frozen account', () => {
    const sides = { debit: { ...held.debit, state: 'frozen' as const }, credit: held.credit };
    expect(voidHold(claim, held.hold, sides, NOW).kind).toBe('changed');
  });

  it.each<[string, boolean, Partial<typeof claim>, Partial<Hold>]>([
    ['of a payment, and voided', true, {}, {}],
    ['of no payment: whoever asks has to know', false, {}, { payment: null }],
    ['posted', false, {}, { status: 'posted' }],
    ['expired', false, {}, { status: 'expired' }],
    ['not ended', false, {}, { status: 'pending' }],
    ['asked for because its time is over', false, { expired: true }, {}],
    ['of other accounts', false, { creditAccount: 'acct_other' }, {}],
    ['asked for in the version that was seen', false, { ifVersion: 1 } as never, {}],
  ])('knows what is given back already: %s', (_, expected, change, state) => {
    const hold: Hold = { ...held.hold, payment: 'pay_1', status: 'voided', ...state };
    expect(isGivenBack({ ...claim, ...change }, hold)).toBe(expected);
  });

  it.each<[string, boolean, Partial<Hold> | null]>([
    ['hold_not_found', false, null],
    ['hold_not_pending', true, { status: 'posted' }],
    ['hold_not_expired', true, { expiresAt: LATER }],
    ['hold_not_expired', true, {}],
  ])('is refused with %s', (reason, expired, change) => {
    const hold = change === null ? undefined : { ...held.hold, ...change };
    expect(voidHold({ ...claim, expired }, hold, held, NOW)).toEqual({ kind: 'refused', reason });
  });
});
