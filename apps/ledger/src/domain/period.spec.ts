import { describe, expect, it } from 'vitest';
import { closePeriod, endOfMonth, refusalOfEffect, type Period } from './period.js';

const NOW = '2026-12-01T00:00:00.000Z';

const standing: Period = {
  month: '2026-09',
  told: {
    type: 'payflow.period.closing.v1',
    data: { id: '2026-09', ends_at: '2026-10-01T00:00:00.000Z', closing_at: '2026-10-02T00:00:00.000Z', version: 1 },
  },
};

describe('closing a month', () => {
  it.each([
    ['is told as it stands when it is closed already', '2026-09', standing, '2026-10', 'standing'],
    ['is refused before it is over, whatever was closed', '2026-12', undefined, '2026-09', 'period_not_over'],
    ['is refused a moment before it is over', '2027-01', undefined, undefined, 'period_not_over'],
    ['is refused when it went with a later one', '2026-08', undefined, '2026-09', 'period_closed'],
    ['is refused when the one before is open', '2026-11', undefined, '2026-09', 'period_out_of_order'],
    ['goes in order', '2026-10', undefined, '2026-09', 'closing'],
    ['is done the moment it is over', '2026-11', undefined, '2026-10', 'closing'],
    ['begins anywhere', '2019-12', undefined, undefined, 'closing'],
  ] as const)('%s', (_what, month, known, latestMonth, outcome) => {
    const decision = closePeriod({ month, ifVersion: undefined }, { standing: known, latestMonth }, NOW);
    expect(decision.kind === 'refused' ? decision.reason : decision.kind).toBe(outcome);
  });

  it.each([
    ['of one that stands nowhere', '2026-10', undefined, 0, 'closing'],
    ['of one that was thought to be closing', '2026-10', undefined, 1, 'version_differs'],
    ['of one that is closing', '2026-09', standing, 1, 'standing'],
    ['of one that has closed meanwhile', '2026-09', standing, 2, 'version_differs'],
    ['of one that was thought to be open', '2026-09', standing, 0, 'version_differs'],
    ['before all that speaks against it', '2027-01', undefined, 1, 'version_differs'],
  ] as const)('is for the version that was seen: %s', (_what, month, known, ifVersion, outcome) => {
    const decision = closePeriod({ month, ifVersion }, { standing: known, latestMonth: '2026-09' }, NOW);
    expect(decision.kind === 'refused' ? decision.reason : decision.kind).toBe(outcome);
  });

  it('ends a month with its last millisecond, and a year with its last month', () => {
    expect([endOfMonth('2026-01'), endOfMonth('2026-12'), endOfMonth('1000-02')]).toEqual([
      '2026-02-01T00:00:00.000Z',
      '2027-01-01T00:00:00.000Z',
      '1000-03-01T00:00:00.000Z',
    ]);
  });

  it.each([
    [null, '2026-10', undefined],
    ['2026-10-31T23:59:59.999Z', undefined, undefined],
    ['2026-11-01T00:00:00.000Z', '2026-10', undefined],
    ['2026-10-31T23:59:59.999Z', '2026-10', 'period_closed'],
    ['0001-01-01T00:00:00.000Z', '2026-10', 'period_closed'],
  ] as const)('bars what takes effect at %s after %s', (effectiveAt, month, reason) => {
    expect(refusalOfEffect(effectiveAt, month)).toBe(reason);
  });
});
