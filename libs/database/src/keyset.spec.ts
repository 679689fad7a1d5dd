import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyset, pagesOf, readPage } from './keyset.js';

describe('a keyset', () => {
  it('says what lies behind a place, and in which order', () => {
    const newest = keyset('desc', 'created_at', 'id');
    expect(newest.orderBy).toBe('order by created_at desc, id desc');
    expect(newest.behind(['$4', '$5'])).toBe('(created_at, id) < ($4, $5)');
    const byName = keyset('asc', 'name');
    expect(byName.orderBy).toBe('order by name asc');
    expect(byName.behind(['$3::text'])).toBe('name > $3::text');
  });

  it('is not given a place with other columns than its own', () => {
    expect(() => keyset('asc', 'a', 'b').behind(['$1'])).toThrow('1 values for 2 columns');
  });
});

describe('a page', () => {
  const listOf = (rows: readonly number[]) => ({
    after: (last: number | undefined, limit: number) =>
      Promise.resolve(rows.filter((row) => last === undefined || row > last).slice(0, limit)),
  });

  it('ends the list where no row follows it, however the rows divide by its size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(30), fc.integer({ min: 1, max: 12 }), async (count, limit) => {
        const all = Array.from({ length: count }, (_, at) => at);
        const read: number[] = [];
        let pages = 0;
        for (let last: number | undefined, isOver = false; !isOver;) {
          const after: number | undefined = last;
          const page = await readPage(limit, (rows) => listOf(all).after(after, rows));
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          read.push(...page.rows);
          last = page.last;
          isOver = last === undefined;
          pages++;
        }
        expect(read).toEqual(all);
        expect(pages).toBe(Math.max(1, Math.ceil(count / limit)));
      }),
    );
  });

  it('follows the one before it until none is left', async () => {
    const pages: (readonly number[])[] = [];
    for await (const page of pagesOf<number>((last) => listOf([1, 2, 3, 4, 5]).after(last, 2))) pages.push(page);
    expect(pages).toEqual([[1, 2], [3, 4], [5]]);
  });
});
