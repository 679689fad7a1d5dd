import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CODINGS, codingFor } from './accept-encoding.js';

it.each([
  [undefined, undefined],
  ['', undefined],
  ['identity', undefined],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['GZIP', 'gzip'],
  ['deflate', undefined],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['gzip, deflate, br', 'br'],
  ['gzip;q=1.0, br;q=0.5, zstd;q=0.1', 'gzip'],
  ['br ; q=0.8 , gzip ; q=0.8', 'br'],
  ['*', 'zstd'],
  ['*;q=0', undefined],
  ['*;q=0.1, zstd;q=0', 'br'],
  ['gzip;q=0, *;q=0.5', 'zstd'],
  ['gzip;q=0', undefined],
  ['identity;q=1, gzip;q=0.5', undefined],
  ['identity;q=0.5, gzip;q=0.5', 'gzip'],
  ['identity;q=0', undefined],
  ['gzip;q=2', undefined],
  ['gzip;q=-1, br', 'br'],
  ['gzip;q=0.1234', undefined],
  ['gzip;level=9', undefined],
  ['gzip;q=1;q=1', undefined],
  [',,;,gzip', 'gzip'],
  [`${'a,'.repeat(200)}gzip`, undefined],
])('takes %s for %s', (header, coding) => {
  expect(codingFor(header)).toBe(coding);
  expect(codingFor(header)).toBe(coding);
});

it('never sends what was refused, whatever the header says', () => {
  const weight = fc.constantFrom('', ';q=0', ';q=0.000', ';q=0.3', ';q=1', ';q=x', ' ; Q=0.7');
  const name = fc.constantFrom('gzip', 'br', 'zstd', '*', 'identity', 'deflate', '', 'brr');
  const header = fc.array(fc.tuple(name, weight), { maxLength: 6 });
  fc.assert(
    fc.property(header, (parts) => {
      const coding = codingFor(parts.map(([what, q]) => what + q).join(', '));
      if (coding === undefined) return;
      expect(CODINGS).toContain(coding);
      const said =
        parts.filter(([what, q]) => what === coding && q !== ';q=x').at(-1) ??
        parts.filter(([what, q]) => what === '*' && q !== ';q=x').at(-1);
      expect(said?.[1] ?? 'never named').not.toMatch(/^;q=0(\.0*)?$|never/);
    }),
  );
});
