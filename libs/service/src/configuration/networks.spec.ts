import { expect, it } from 'vitest';
import { networks } from './networks.js';

const { parse, defaultText } = networks({ default: ['::1/128', '10.0.0.0/8'], description: 'd' });

it.each([['10.0.0.0/8'], ['192.0.2.1'], ['2001:db8::/32,::1'], ['0.0.0.0/0']])('takes %s', (text) =>
  expect(parse(text, true)).toEqual({ value: text.split(',') }),
);

it.each([
  ['10.0.0.0/33'],
  ['::/129'],
  ['10.0.0/8'],
  ['10.0.0.0/8, ::1'],
  ['10.0.0.0/'],
  ['10.0.0.0/8/8'],
  ['fe80::1%eth0'],
  ['all'],
  [','],
])('refuses %j', (text) => expect(parse(text, true)).toHaveProperty('problem'));

it('shows its default as one would set it', () => expect(defaultText).toBe('::1/128,10.0.0.0/8'));
