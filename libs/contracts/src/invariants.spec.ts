import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { INVARIANTS } from './invariants.js';

const PAGE = readFileSync(new URL('../../../docs/reliability.md', import.meta.url), 'utf8');

describe('the page on reliability', () => {
  it.each(Object.entries(INVARIANTS))('has %s, in the words that `payflow verify` prints', (name, meaning) => {
    expect(PAGE).toContain(`| ${name} | ${meaning} |`);
  });

  it('has no invariant that is not checked', () => {
    const names = [...PAGE.matchAll(/^\| (I\d+) \|/gm)].map(([, name]) => name);
    expect(new Set(names)).toEqual(new Set(Object.keys(INVARIANTS)));
  });
});
