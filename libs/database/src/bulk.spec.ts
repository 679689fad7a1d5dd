import { describe, expect, it } from 'vitest';
import { Unnested } from './bulk.js';
import { copyText } from './copy.js';

interface Line {
  readonly id: number;
  readonly note: string | null;
  readonly data: object;
}

const LINES = new Unnested<Line>([
  ['id', 'integer', ({ id }) => id],
  ['note', 'text', ({ note }) => note],
  ['data', 'json', ({ data }) => JSON.stringify(data)],
]);
const lines = (count: number, note: string | null = null): Line[] =>
  Array.from({ length: count }, (_, id) => ({ id, note, data: { id } }));

describe('a set of rows', () => {
  it('is one text for any number of them, and a parameter per column', () => {
    expect(LINES.names).toBe('id, note, data');
    expect(LINES.from(3, 't')).toBe(
      'unnest($3::integer[], $4::text[], string_to_array($5, chr(30))::json[]) as t (id, note, data)',
    );
    expect([...LINES.batches(lines(2))]).toEqual([[[0, 1], [null, null], '{"id":0}\u001e{"id":1}']]);
  });

  it('is no statement where there is no row', () => {
    expect([...LINES.batches([])]).toEqual([]);
  });

  it('is whole beside other sets, an empty one too', () => {
    expect(LINES.width).toBe(3);
    expect(LINES.whole(lines(2))).toEqual([[0, 1], [null, null], '{"id":0}\u001e{"id":1}']);
    expect(LINES.whole([])).toEqual([[], [], '']);
  });

  it('is cut at a number of rows, in order', () => {
    const ids = [...LINES.batches(lines(7), { rows_max: 3 })].map(([column]) => column);
    expect(ids).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
  });

  it('is cut before it grows too long, and a row that is too long by itself goes alone', () => {
    const ids = (rows: readonly Line[]) => [...LINES.batches(rows, { bytes_max: 160 })].map(([column]) => column);
    expect(ids(lines(4, 'x'.repeat(30)))).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(ids(lines(2, 'x'.repeat(500)))).toEqual([[0], [1]]);
  });

  it('has columns', () => {
    expect(() => new Unnested([])).toThrow('0 columns');
  });
});

describe('a value in COPY’s text', () => {
  it.each([
    [null, '\\N'],
    ['\\N', '\\\\N'],
    ['a\tb\nc\rd\\', 'a\\tb\\nc\\rd\\\\'],
    ['', ''],
    [true, 't'],
    [12n, '12'],
    [new Date('2026-11-26T01:02:03.004Z'), '2026-11-26T01:02:03.004Z'],
    [Buffer.from([0, 255]), '\\\\x00ff'],
  ])('%s', (value, text) => {
    expect(copyText(value)).toBe(text);
  });
});
