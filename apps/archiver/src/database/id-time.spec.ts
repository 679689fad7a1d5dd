import { fromUuid, newId } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { idTimeOf, instantOf, isUndated, monthOf } from './id-time.js';

const idAt = (time_ms: number, version = '7') => {
  const hex = time_ms.toString(16).padStart(12, '0');
  return fromUuid('event', `${hex.slice(0, 8)}-${hex.slice(8)}-${version}000-8000-00000000002a`);
};

describe('the time inside an event id', () => {
  it('is when the id was made', () => {
    expect(Math.abs(idTimeOf(newId('event')).getTime() - Date.now())).toBeLessThan(1_000);
    expect(monthOf(idTimeOf(idAt(Date.UTC(2026, 10, 21))))).toBe('2026-11');
  });

  it.each([
    ['1970', idAt(1)],
    ['2019', idAt(Date.UTC(2020, 0) - 1)],
    ['2100', idAt(Date.UTC(2100, 0))],
    ['10889', idAt(2 ** 48 - 1)],
    ['another version', idAt(Date.UTC(2026, 0), '4')],
  ])('is not believed when it says %s', (_name, id) => {
    expect(isUndated(idTimeOf(id))).toBe(true);
  });
});

it('takes an instant only where Postgres would', () => {
  expect(instantOf('2026-11-21T08:00:00.000Z')?.toISOString()).toBe('2026-11-21T08:00:00.000Z');
  for (const absurd of ['', 'soon', '+275760-09-13T00:00:00.000Z', '-000044-03-15T00:00:00.000Z'])
    expect(instantOf(absurd)).toBeNull();
});
