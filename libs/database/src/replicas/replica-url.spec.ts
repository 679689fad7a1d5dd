import { expect, it } from 'vitest';
import { parseReplicaUrl } from './replica-url.js';

it('takes the weight out, and names it without its password', () => {
  expect(parseReplicaUrl('postgres://role:p%40ss@replica:5433/db?sslmode=verify-full&weight=2')).toEqual({
    url: 'postgres://role:p%40ss@replica:5433/db?sslmode=verify-full',
    name: 'replica:5433',
    weight: 2,
  });
  expect(parseReplicaUrl('postgres://role@replica/db')).toMatchObject({ name: 'replica:5432', weight: 1 });
});

it.each(['0', '-1', '1.5', '101', 'x', ''])('refuses the weight %j', (weight) => {
  expect(() => parseReplicaUrl(`postgres://role@replica/db?weight=${weight}`)).toThrow(RangeError);
});
