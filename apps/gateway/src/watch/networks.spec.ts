import { describe, expect, it } from 'vitest';
import { networkOf, Networks, plainAddress, subjectOf } from './networks.js';

describe('networks', () => {
  const networks = new Networks(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1']);

  it.each([
    ['10.1.2.3', true],
    ['11.1.2.3', false],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['2001:db8:1::5', true],
    ['2001:db9::5', false],
    ['::1', true],
  ])('know whether %s is of them', (address, isOf) => expect(networks.has(address)).toBe(isOf));

  it('are none where none are named', () => expect(new Networks([]).has('127.0.0.1')).toBe(false));

  it('may be everything', () => expect(new Networks(['0.0.0.0/0']).has('198.51.100.9')).toBe(true));
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:0201', '192.0.2.1'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['fe80::1%eth0', undefined],
  ['192.0.2.256', undefined],
  ['0x7f.1', undefined],
  ['unknown', undefined],
  ['', undefined],
])('spells %s as %s', (text, address) => expect(plainAddress(text)).toBe(address));

it.each([
  ['192.0.2.9', '192.0.2.9', '192.0.2.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['2001:db8::6', '2001:db8:0:0::/64', '2001:db8:0::/48'],
  ['::1', '0:0:0:0::/64', '0:0:0::/48'],
])('takes %s for %s, of %s', (address, subject, network) => {
  expect([subjectOf(address), networkOf(address)]).toEqual([subject, network]);
});
