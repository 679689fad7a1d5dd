import { expect, it } from 'vitest';
import { API_VERSION, API_VERSIONS } from '../../domain/api-version.js';
import { CHANGELOG } from '../docs/changelog.js';
import { versionFor } from './api-version.js';

const [NEWEST, SECOND, FIRST] = ['2027-06-01', '2027-01-01', '2026-11-20'];
const VERSIONS = [NEWEST, SECOND, FIRST] as const;

it.each([
  ['asked for, whatever the key has', SECOND, FIRST, SECOND],
  ['of the key, where none is asked for', undefined, FIRST, FIRST],
  ['the newest, for who has no key', undefined, undefined, NEWEST],
  ['the newest that this process knows, for a key of a later one', undefined, '2028-01-01', NEWEST],
])('the version that answers is that %s', (_what, asked, pinned, answers) => {
  expect(versionFor(asked, pinned, VERSIONS)).toBe(answers);
});

it('each version has begun on a day of the changelog that says so, and no other day does', () => {
  const begun = CHANGELOG.filter(({ version }) => version).map(({ date }) => date);
  expect(begun).toEqual([...API_VERSIONS]);
  expect([...API_VERSIONS].toSorted().at(-1)).toBe(API_VERSION);
});
