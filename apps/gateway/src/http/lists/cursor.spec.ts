import { expect, it } from 'vitest';
import { Cursors } from './cursor.js';

const cursors = new Cursors('s'.repeat(32));
const position = { createdAt: '2026-11-20T12:00:00.000Z', id: 'pay_01m7yg4jr5ezm9ym0cwhese7x1' };
const cursor = cursors.encode('list a', position);
const refusal = (code: string): Error => expect.objectContaining({ code }) as Error;

it('gives back the place it marks', () => {
  expect(cursors.decode('list a', cursor)).toEqual(position);
});

it('marks a place as long as any that an owner gives', () => {
  const long = { createdAt: '', id: '9'.repeat(300) };
  expect(cursors.decode('list a', cursors.encode('list a', long))).toEqual(long);
});

it('belongs to one list', () => {
  expect(() => cursors.decode('list b', cursor)).toThrow(refusal('cursor_mismatch'));
});

it('is refused under another key', () => {
  expect(() => new Cursors('t'.repeat(32)).decode('list a', cursor)).toThrow(refusal('cursor_invalid'));
});

it('is refused with any character changed, added or left out', () => {
  for (let at = 0; at < cursor.length; at++) {
    const other = cursor[at] === 'A' ? 'B' : 'A';
    expect(() => cursors.decode('list a', cursor.slice(0, at) + other + cursor.slice(at + 1))).toThrow(
      refusal('cursor_invalid'),
    );
  }
  for (const changed of [`${cursor}A`, `${cursor}=`, ` ${cursor}`, cursor.slice(0, -1), '', 'A'.repeat(1_000)]) {
    expect(() => cursors.decode('list a', changed)).toThrow(refusal('cursor_invalid'));
  }
});
