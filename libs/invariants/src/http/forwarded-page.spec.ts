import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FORWARDED_PAGE_BYTES_MAX, readForwardedPage } from './forwarded-page.js';

/** A line of about so many bytes. */
const lineOf = (at: number, bytes: number) => ({ at, text: 'é'.repeat(bytes / 2) });

it('ends before it is too long, and the pages together tell each line once', async () => {
  const bytes = fc.oneof(fc.constant(100), fc.integer({ min: 0, max: FORWARDED_PAGE_BYTES_MAX + 10_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 20 }), fc.integer({ min: 1, max: 12 }), async (sizes, limit) => {
      const all = sizes.map((size, at) => lineOf(at, size));
      const told: object[] = [];
      for (let after = -1, isOver = false; !isOver;) {
        const behind = all.filter(({ at }) => at > after);
        const page = await readForwardedPage(
          limit,
          (rows) => Promise.resolve(behind.slice(0, rows)),
          (row) => row,
        );
        const length = Buffer.byteLength(JSON.stringify(page.data));
        expect(page.data.length === 1 || length <= FORWARDED_PAGE_BYTES_MAX + 2).toBe(true);
        expect(page.data.length > 0 || all.length === 0).toBe(true);
        told.push(...page.data);
        isOver = page.last === undefined;
        after = page.last?.at ?? after;
      }
      expect(told).toEqual(all);
    }),
    { numRuns: 50 },
  );
});
