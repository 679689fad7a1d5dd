import { describe, expect, it } from 'vitest';
import { changeTransfer, type Booked, type TransferChange } from './transfer-change.js';

const THEN = '2026-11-21T12:00:00.000Z';
const booked: Booked = {
  debitAccount: 'payer',
  creditAccount: 'payee',
  amount: 100n,
  asset: 'USD',
  payment: null,
  group: null,
  hold: null,
  reverses: null,
  corrects: null,
  effectiveAt: THEN,
  recordedAt: THEN,
  version: 3,
};
const change: TransferChange = { debitAccount: 'payer', ifVersion: null };

describe('a change of metadata', () => {
  it.each([null, 3])('counts one version on, where it is asked for at %s', (ifVersion) => {
    expect(changeTransfer({ ...change, ifVersion }, booked)).toEqual({
      kind: 'changed',
      booked: { ...booked, version: 4 },
    });
  });

  // In precedence order.
  it.each<[string, Partial<TransferChange>, Booked | undefined]>([
    ['transfer_not_found', { ifVersion: 2 }, undefined],
    ['transfer_not_found', { debitAccount: 'payee', ifVersion: 2 }, booked],
    ['version_differs', { ifVersion: 2 }, booked],
    ['version_differs', { ifVersion: 4 }, booked],
  ])('is refused with %s', (reason, asked, of) => {
    expect(changeTransfer({ ...change, ...asked }, of)).toEqual({ kind: 'refused', reason });
  });
});
