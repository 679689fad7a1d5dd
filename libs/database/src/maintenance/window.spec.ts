import { describe, expect, it } from 'vitest';
import { openFor_ms, parseWindow } from './window.js';

const at = (time: string) => new Date(`2026-11-26T${time}Z`);
const MINUTE_MS = 60_000;

describe('a window', () => {
  it.each([
    ['01:00-05:00', { from_min: 60, to_min: 300 }],
    ['22:30-02:15', { from_min: 1_350, to_min: 135 }],
    ['01:00-01:00', undefined],
    ['1:00-5:00', undefined],
    ['24:00-05:00', undefined],
    ['01:60-05:00', undefined],
    ['01:00', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(parseWindow(text)).toEqual(expected);
  });

  it.each([
    ['01:00-05:00', '00:59:59', 0],
    ['01:00-05:00', '01:00:00', 240 * MINUTE_MS],
    ['01:00-05:00', '04:59:30', 30_000],
    ['01:00-05:00', '05:00:00', 0],
    ['22:00-02:00', '23:00:00', 180 * MINUTE_MS],
    ['22:00-02:00', '01:00:00', 60 * MINUTE_MS],
    ['22:00-02:00', '12:00:00', 0],
  ])('%s at %s is open for %d ms', (text, time, expected) => {
    expect(openFor_ms(parseWindow(text), at(time))).toBe(expected);
  });

  it('that nobody asked for is always open', () => {
    expect(openFor_ms(undefined, at('12:00:00'))).toBe(Infinity);
  });
});
