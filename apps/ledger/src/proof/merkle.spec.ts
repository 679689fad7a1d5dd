import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EMPTY_LOG,
  appended,
  inclusionPath,
  isIncluded,
  leafHash,
  logRoot,
  pathSpans,
  rootOf,
  rootOfSpan,
  type Frontier,
} from './merkle.js';

/** The entries of the test vectors that Certificate Transparency's own implementations share, and the roots of the first n. */
const ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('a tree', () => {
  it.each(ROOTS.map((root, size) => [size, root] as const))('of %i entries has the root of RFC 9162', (size, root) => {
    expect(rootOf(ENTRIES.slice(0, size))).toBe(root);
  });

  it('grows entry by entry to the same roots', () => {
    let log = EMPTY_LOG;
    for (const [at, entry] of ENTRIES.entries()) {
      log = appended(log, entry);
      expect(logRoot(log)).toBe(ROOTS[at + 1]);
    }
  });
});

describe('a path', () => {
  const size = fc.integer({ min: 1, max: 70 });

  it('leads from every entry to the root, whatever the size', () => {
    fc.assert(
      fc.property(size, fc.nat(), (count, at) => {
        const entries = Array.from({ length: count }, (_, each) => each.toString(16).padStart(4, '0'));
        const index = at % count;
        const path = inclusionPath(entries, index);
        expect(isIncluded(entries[index] as string, { index, size: count }, path, rootOf(entries))).toBe(true);
      }),
    );
  });

  it('leads nowhere with a sibling that is no hash, though the bytes before its fault are those of a node', () => {
    const entries = ['00', '10', '2021', '3031'];
    const [left, right] = [leafHash('00'), leafHash('10')];
    const above = inclusionPath(entries, 1).slice(1);
    for (const sibling of [
      `${left}${right}`,
      `${left}${right}.`,
      `${left}${right}zz`,
      `${left} `,
      left.toUpperCase(),
    ]) {
      expect(isIncluded('ff', { index: 1, size: 4 }, [sibling, ...above], rootOf(entries))).toBe(false);
    }
  });

  it('is told by two states of the log for each height, whatever the place and the size', () => {
    const entries = Array.from({ length: 40 }, (_, each) => each.toString(16).padStart(4, '0'));
    const states: Frontier[] = [EMPTY_LOG];
    for (const entry of entries) states.push(appended(states.at(-1) as Frontier, entry));
    for (let count = 1; count <= entries.length; count++) {
      for (let index = 0; index < count; index++) {
        const spans = pathSpans({ index, size: count });
        expect(spans.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count)));
        const path = spans.map((span) =>
          rootOfSpan(span, states[span.end - 1] as Frontier, entries[span.end - 1] as string),
        );
        expect(path).toEqual(inclusionPath(entries.slice(0, count), index));
      }
    }
  });

  it('does not lead there from another entry, another place, a shorter or longer way', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 70 }), fc.nat(), (count, at) => {
        const entries = Array.from({ length: count }, (_, each) => each.toString(16).padStart(4, '0'));
        const index = at % count;
        const path = inclusionPath(entries, index);
        const [entry, root] = [entries[index] as string, rootOf(entries)];
        const place = { index, size: count };
        expect(isIncluded('ffff', place, path, root)).toBe(false);
        expect(isIncluded(entry, { ...place, index: (index + 1) % count }, path, root)).toBe(false);
        expect(isIncluded(entry, { ...place, index: count }, path, root)).toBe(false);
        expect(isIncluded(entry, place, path.slice(1), root)).toBe(false);
        expect(isIncluded(entry, place, [...path, root], root)).toBe(false);
      }),
    );
  });
});
